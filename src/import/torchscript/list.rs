//! Lists, as code fills and takes them apart.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::value::Value;

/// Lists in lists.
const DEEPEST: u8 = 12;

/// Values in a row, seen by all who hold it. A list that is put into another is copied, and so is one that is taken out of
/// another: none holds itself, and none can be made deeper from outside.
#[derive(Debug)]
pub(super) struct List {
    items: RefCell<Vec<Value>>,
    /// How many lists lie in one another, this one included.
    depth: Cell<u8>,
    /// Whether something in it lies behind what is not supported.
    failed: Cell<bool>,
}

impl List {
    pub(super) fn new(items: impl IntoIterator<Item = Value>) -> Rc<Self> {
        let list = Self {
            items: RefCell::default(),
            depth: Cell::new(1),
            failed: Cell::default(),
        };
        for item in items {
            list.push(item);
        }
        Rc::new(list)
    }

    pub(super) fn len(&self) -> usize {
        self.items.borrow().len()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.get()
    }

    /// All items.
    pub(super) fn all(&self) -> Vec<Value> {
        self.items.borrow().iter().map(copied).collect()
    }

    pub(super) fn get(&self, place: usize) -> Option<Value> {
        self.items.borrow().get(place).map(copied)
    }

    pub(super) fn push(&self, item: Value) {
        self.insert(self.len(), item);
    }

    /// Puts an item before the one at that place, at most after the last.
    pub(super) fn insert(&self, place: usize, item: Value) {
        let item = self.held(item);
        let mut items = self.items.borrow_mut();
        let place = place.min(items.len());
        items.insert(place, item);
    }

    /// Puts an item in place of the one that is there.
    pub(super) fn set(&self, place: usize, item: Value) {
        let item = self.held(item);
        if let Some(known) = self.items.borrow_mut().get_mut(place) {
            *known = item;
        }
    }

    pub(super) fn remove(&self, place: usize) -> Option<Value> {
        let mut items = self.items.borrow_mut();
        (place < items.len()).then(|| items.remove(place))
    }

    /// An item as it is kept here.
    fn held(&self, item: Value) -> Value {
        let item = match depth(&item) {
            inner if inner < DEEPEST => {
                self.depth.set(self.depth.get().max(inner + 1));
                copied(&item)
            }
            _ => Value::Failed,
        };
        self.failed.set(self.failed.get() || item.has_failed());
        item
    }

    fn copy(&self) -> Rc<Self> {
        Rc::new(Self {
            items: self.items.clone(),
            depth: self.depth.clone(),
            failed: self.failed.clone(),
        })
    }
}

fn depth(value: &Value) -> u8 {
    match value {
        Value::List(list) | Value::Dictionary(list) | Value::Record(_, list) => list.depth.get(),
        _ => 0,
    }
}

fn copied(value: &Value) -> Value {
    match value {
        Value::List(list) => Value::List(list.copy()),
        Value::Dictionary(list) => Value::Dictionary(list.copy()),
        other => other.clone(),
    }
}
