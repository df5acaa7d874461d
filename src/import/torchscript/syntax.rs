//! Code as statements and expressions.
//!
//! # Source
//!
//! `torch/csrc/jit/serialization/python_print.cpp`, which writes it: a small part of Python, every operator a call.

use std::rc::Rc;

use super::damaged;
use super::token::{Line, Token, lines};
use crate::error::Result;

/// Expressions in expressions, blocks in blocks.
const DEEPEST: usize = 64;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    Name(Rc<str>),
    Attribute(Box<Expression>, Rc<str>),
    Index(Box<Expression>, Box<Expression>),
    Call(Box<Expression>, Vec<Argument>),
    List(Vec<Expression>),
    Tuple(Vec<Expression>),
    Dictionary(Vec<(Expression, Expression)>),
    /// A minus before a name.
    Minus(Box<Expression>),
    /// The second if the first holds, else the third.
    Choice(Box<[Expression; 3]>),
}

/// What is given to a call, perhaps by name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Argument {
    pub(super) name: Option<Rc<str>>,
    pub(super) value: Expression,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Statement {
    /// Targets, and what is taken apart for them if they are several.
    Assign(Vec<Expression>, Expression),
    Evaluate(Expression),
    If(Expression, Vec<Statement>, Vec<Statement>),
    While(Expression, Vec<Statement>),
    For(Rc<str>, Expression, Vec<Statement>),
    Return(Expression),
    /// A block that something encloses which changes nothing computed, as `torch.no_grad()`.
    Within(Vec<Statement>),
}

#[derive(Debug, Clone)]
pub(super) struct Function {
    pub(super) name: Rc<str>,
    /// Names, and what they are if nothing is given.
    pub(super) parameters: Vec<(Rc<str>, Option<Expression>)>,
    pub(super) body: Vec<Statement>,
}

#[derive(Debug, Clone)]
pub(super) struct Class {
    pub(super) name: Rc<str>,
    /// Whether its objects are tuples whose items have names.
    pub(super) is_tuple: bool,
    /// Its attributes in their order, with the value of those that have one.
    pub(super) fields: Vec<(Rc<str>, Option<Expression>)>,
    pub(super) methods: Vec<Rc<Function>>,
}

/// What a file of code defines.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    pub(super) classes: Vec<Class>,
    pub(super) functions: Vec<Rc<Function>>,
}

/// Reads a file of code.
pub(super) fn parse(text: &str) -> Result<Definitions> {
    let lines = lines(text)?;
    let mut parser = Parser { lines: &lines };
    let mut made = Definitions::default();
    while let Some(line) = parser.lines.first() {
        match line.tokens.first() {
            Some(Token::Name(word)) if &**word == "def" => {
                made.functions.push(parser.function()?.into());
            }
            Some(Token::Name(word)) if &**word == "class" => made.classes.push(parser.class()?),
            // Imports, and names of what is imported.
            _ => parser.lines = &parser.lines[1..],
        }
    }
    Ok(made)
}

struct Parser<'l> {
    lines: &'l [Line],
}

impl<'l> Parser<'l> {
    /// The next line, if it is indented further than its block's head.
    fn within(&mut self, indent: usize) -> Option<&'l Line> {
        let (line, rest) = self.lines.split_first()?;
        if line.indent <= indent {
            return None;
        }
        self.lines = rest;
        Some(line)
    }

    fn class(&mut self) -> Result<Class> {
        let (head, rest) = self.lines.split_first().ok_or_else(ends)?;
        self.lines = rest;
        let mut tokens = Tokens::of(head);
        tokens.word("class")?;
        let name = tokens.name()?;
        let is_tuple = head.tokens.contains(&Token::Name("NamedTuple".into()));
        let mut class = Class {
            name,
            is_tuple,
            fields: Vec::new(),
            methods: Vec::new(),
        };
        while let Some(line) = self.lines.first().filter(|line| line.indent > head.indent) {
            let mut tokens = Tokens::of(line);
            if tokens.is_word("def") {
                class.methods.push(self.function()?.into());
                continue;
            }
            self.lines = &self.lines[1..];
            // `name : type`, perhaps with a value; others say things that are of no use here.
            if let (Some(Token::Name(name)), Some(Token::Mark(':'))) =
                (line.tokens.first(), line.tokens.get(1))
            {
                let equals = line.tokens.iter().position(|t| *t == Token::Mark('='));
                let value = equals.map(|place| {
                    tokens.rest = &line.tokens[place + 1..];
                    tokens.expression(0)
                });
                class.fields.push((name.clone(), value.transpose()?));
            }
        }
        Ok(class)
    }

    fn function(&mut self) -> Result<Function> {
        let (head, rest) = self.lines.split_first().ok_or_else(ends)?;
        self.lines = rest;
        let mut tokens = Tokens::of(head);
        tokens.word("def")?;
        let name = tokens.name()?;
        tokens.mark('(')?;
        let mut parameters = Vec::new();
        while !tokens.take(')') {
            let name = tokens.name()?;
            if tokens.take(':') {
                tokens.expression(0)?;
            }
            let default = match tokens.take('=') {
                true => Some(tokens.expression(0)?),
                false => None,
            };
            parameters.push((name, default));
            tokens.take(',');
        }
        let body = self.block(head.indent, 0)?;
        Ok(Function {
            name,
            parameters,
            body,
        })
    }

    fn block(&mut self, indent: usize, depth: usize) -> Result<Vec<Statement>> {
        if depth > DEEPEST {
            return Err(too_deep());
        }
        let mut statements = Vec::new();
        while let Some(line) = self.within(indent) {
            let mut tokens = Tokens::of(line);
            let Some(Token::Name(word)) = line.tokens.first() else {
                statements.push(tokens.simple()?);
                continue;
            };
            let statement = match &**word {
                "if" => {
                    tokens.word("if")?;
                    let condition = tokens.expression(0)?;
                    tokens.head_ends()?;
                    let holds = self.block(line.indent, depth + 1)?;
                    let mut fails = Vec::new();
                    let other = self.lines.first().filter(|other| {
                        other.indent == line.indent && Tokens::of(other).is_word("else")
                    });
                    if other.is_some() {
                        self.lines = &self.lines[1..];
                        fails = self.block(line.indent, depth + 1)?;
                    }
                    Statement::If(condition, holds, fails)
                }
                "while" => {
                    tokens.word("while")?;
                    let condition = tokens.expression(0)?;
                    tokens.head_ends()?;
                    Statement::While(condition, self.block(line.indent, depth + 1)?)
                }
                "for" => {
                    tokens.word("for")?;
                    let name = tokens.name()?;
                    tokens.word("in")?;
                    let items = tokens.expression(0)?;
                    tokens.head_ends()?;
                    Statement::For(name, items, self.block(line.indent, depth + 1)?)
                }
                "with" => Statement::Within(self.block(line.indent, depth + 1)?),
                "return" => {
                    tokens.word("return")?;
                    match tokens.rest.is_empty() {
                        true => Statement::Return(Expression::None),
                        false => {
                            let value = tokens.list()?;
                            tokens.ends()?;
                            Statement::Return(value)
                        }
                    }
                }
                "pass" => continue,
                _ => tokens.simple()?,
            };
            statements.push(statement);
        }
        Ok(statements)
    }
}

struct Tokens<'t> {
    rest: &'t [Token],
}

impl<'t> Tokens<'t> {
    fn of(line: &'t Line) -> Self {
        Self { rest: &line.tokens }
    }

    fn next(&mut self) -> Result<&'t Token> {
        let (token, rest) = self.rest.split_first().ok_or_else(ends)?;
        self.rest = rest;
        Ok(token)
    }

    fn name(&mut self) -> Result<Rc<str>> {
        match self.next()? {
            Token::Name(name) => Ok(name.clone()),
            _ => Err(damaged("a name of its code is missing")),
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.rest.first(), Some(Token::Name(name)) if &**name == word)
    }

    fn word(&mut self, word: &str) -> Result<()> {
        match self.is_word(word) {
            true => self.next().map(|_| ()),
            false => Err(damaged(&format!("its code lacks “{word}”"))),
        }
    }

    fn is(&self, mark: char) -> bool {
        self.rest.first() == Some(&Token::Mark(mark))
    }

    fn take(&mut self, mark: char) -> bool {
        let found = self.is(mark);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn mark(&mut self, mark: char) -> Result<()> {
        match self.take(mark) {
            true => Ok(()),
            false => Err(damaged(&format!("its code lacks “{mark}”"))),
        }
    }

    /// An assignment, or an expression by itself.
    fn simple(&mut self) -> Result<Statement> {
        let statement = self.assignment()?;
        self.ends()?;
        Ok(statement)
    }

    /// What is not understood may not be left out.
    fn ends(&self) -> Result<()> {
        match self.rest {
            [] => Ok(()),
            _ => Err(damaged(
                "a statement of its code goes on where it should end",
            )),
        }
    }

    /// After what stands before a block.
    fn head_ends(&mut self) -> Result<()> {
        self.mark(':')?;
        self.ends()
    }

    fn assignment(&mut self) -> Result<Statement> {
        let first = self.list()?;
        // A type may stand between a name and what it is.
        if self.take(':') {
            self.expression(0)?;
        }
        if !self.take('=') {
            return Ok(Statement::Evaluate(first));
        }
        let targets = match first {
            Expression::Tuple(targets) => targets,
            target => vec![target],
        };
        Ok(Statement::Assign(targets, self.list()?))
    }

    /// Expressions with commas between them, which are a tuple, or one without.
    fn list(&mut self) -> Result<Expression> {
        let first = self.expression(0)?;
        if !self.is(',') {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take(',') {
            if self.rest.is_empty() || self.is('=') {
                break;
            }
            items.push(self.expression(0)?);
        }
        Ok(Expression::Tuple(items))
    }

    fn expression(&mut self, depth: usize) -> Result<Expression> {
        let value = self.with_ends(depth)?;
        if !self.is_word("if") {
            return Ok(value);
        }
        self.word("if")?;
        let condition = self.with_ends(depth)?;
        self.word("else")?;
        let other = self.expression(depth + 1)?;
        Ok(Expression::Choice([condition, value, other].into()))
    }

    /// A value with its attributes, indices and calls.
    fn with_ends(&mut self, depth: usize) -> Result<Expression> {
        let mut value = self.plain(depth)?;
        loop {
            value = if self.take('.') {
                Expression::Attribute(value.into(), self.name()?)
            } else if self.take('[') {
                let index = match self.items(']', depth)? {
                    mut one if one.len() == 1 => one.remove(0),
                    several => Expression::Tuple(several),
                };
                Expression::Index(value.into(), index.into())
            } else if self.take('(') {
                Expression::Call(value.into(), self.arguments(depth)?)
            } else {
                return Ok(value);
            };
        }
    }

    fn arguments(&mut self, depth: usize) -> Result<Vec<Argument>> {
        let mut arguments = Vec::new();
        while !self.take(')') {
            let name = match (self.rest.first(), self.rest.get(1)) {
                (Some(Token::Name(name)), Some(Token::Mark('='))) => {
                    self.rest = &self.rest[2..];
                    Some(name.clone())
                }
                _ => None,
            };
            let value = self.expression(depth + 1)?;
            arguments.push(Argument { name, value });
            if !self.is(')') {
                self.mark(',')?;
            }
        }
        Ok(arguments)
    }

    /// Expressions up to a bracket.
    fn items(&mut self, end: char, depth: usize) -> Result<Vec<Expression>> {
        let mut items = Vec::new();
        while !self.take(end) {
            items.push(self.expression(depth + 1)?);
            if !self.is(end) {
                self.mark(',')?;
            }
        }
        Ok(items)
    }

    fn plain(&mut self, depth: usize) -> Result<Expression> {
        if depth > DEEPEST {
            return Err(too_deep());
        }
        Ok(match self.next()? {
            Token::Int(number) => Expression::Int(*number),
            Token::Float(number) => Expression::Float(*number),
            Token::Text(text) => Expression::Text(text.clone()),
            Token::Name(name) => match &**name {
                "None" => Expression::None,
                "True" => Expression::Bool(true),
                "False" => Expression::Bool(false),
                _ => Expression::Name(name.clone()),
            },
            Token::Mark('-') => match self.with_ends(depth + 1)? {
                Expression::Int(number) => Expression::Int(number.saturating_neg()),
                Expression::Float(number) => Expression::Float(-number),
                value => Expression::Minus(value.into()),
            },
            Token::Mark('[') => Expression::List(self.items(']', depth)?),
            Token::Mark('(') => {
                let mut items = Vec::new();
                let mut commas = false;
                while !self.take(')') {
                    items.push(self.expression(depth + 1)?);
                    if !self.is(')') {
                        self.mark(',')?;
                        commas = true;
                    }
                }
                match (commas, items.len()) {
                    (false, 1) => items.remove(0),
                    _ => Expression::Tuple(items),
                }
            }
            Token::Mark('{') => {
                let mut pairs = Vec::new();
                while !self.take('}') {
                    let key = self.expression(depth + 1)?;
                    self.mark(':')?;
                    pairs.push((key, self.expression(depth + 1)?));
                    if !self.is('}') {
                        self.mark(',')?;
                    }
                }
                Expression::Dictionary(pairs)
            }
            Token::Mark(mark) => {
                return Err(damaged(&format!("its code has a “{mark}” out of place")));
            }
        })
    }
}

fn ends() -> crate::Error {
    damaged("its code ends too early")
}

fn too_deep() -> crate::Error {
    damaged("its code nests too deeply")
}
