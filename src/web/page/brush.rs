//! A brush's canvas and controls, and what touches them.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::{Element, Event, HtmlCanvasElement, HtmlInputElement, KeyboardEvent, PointerEvent};

use crate::page::{Brush, Touch};
use crate::web::dom::{element, on};
use crate::web::parts::put;

/// A brush that is put away until it is reset. `painted` is called whenever something was painted,
/// with whether a stroke is over.
pub(super) fn listen(name: &'static str, painted: impl Fn(bool) + 'static) -> Rc<RefCell<Brush>> {
    let brush = Rc::new(RefCell::new(Brush::new(name)));
    let canvas: HtmlCanvasElement = element(&format!("{name}-canvas"));
    let size: HtmlInputElement = element(&format!("{name}-size"));
    let act = {
        let brush = Rc::clone(&brush);
        move |how: &dyn Fn(&mut Brush, f64) -> Touch| {
            let touch = how(&mut brush.borrow_mut(), size.value_as_number());
            match touch {
                Touch::Nothing => {}
                Touch::Taken => put(&brush.borrow().panel()),
                Touch::Painted => painted(false),
                Touch::Over => painted(true),
            }
            touch
        }
    };
    let act = Rc::new(act);
    on(&canvas, "pointerdown", {
        let (act, canvas) = (Rc::clone(&act), canvas.clone());
        move |event: PointerEvent| {
            let at = under(&canvas, &event);
            if event.button() == 0 && act(&|brush, size| brush.press(at, size)) == Touch::Painted {
                canvas.set_pointer_capture(event.pointer_id()).unwrap_or(());
            }
        }
    });
    on(&canvas, "pointermove", {
        let (act, canvas) = (Rc::clone(&act), canvas.clone());
        move |event: PointerEvent| {
            let at = under(&canvas, &event);
            act(&|brush, size| brush.drag(at, size));
        }
    });
    for kind in ["pointerup", "pointercancel"] {
        let act = Rc::clone(&act);
        on(&canvas, kind, move |_: PointerEvent| {
            act(&|brush, _| brush.lift());
        });
    }
    on(&canvas, "keydown", {
        let act = Rc::clone(&act);
        move |event: KeyboardEvent| {
            let command = event.ctrl_key() || event.meta_key();
            if act(&|brush, size| brush.key(&event.key(), command, size)) != Touch::Nothing {
                event.prevent_default();
            }
        }
    });
    type Press = fn(&mut Brush) -> Touch;
    let buttons: [(&str, Press); 3] = [
        ("erase", Brush::turn),
        ("undo", Brush::undo),
        ("clear", Brush::clear),
    ];
    for (what, press) in buttons {
        let act = Rc::clone(&act);
        let button: Element = element(&format!("{name}-{what}"));
        on(&button, "click", move |_: Event| {
            act(&|brush, _| press(brush));
        });
    }
    brush
}

/// Where a pointer is, as shares of the canvas.
pub(super) fn under(canvas: &HtmlCanvasElement, event: &web_sys::MouseEvent) -> [f64; 2] {
    let shown = canvas.get_bounding_client_rect();
    [
        (f64::from(event.client_x()) - shown.left()) / shown.width().max(1.0),
        (f64::from(event.client_y()) - shown.top()) / shown.height().max(1.0),
    ]
}
