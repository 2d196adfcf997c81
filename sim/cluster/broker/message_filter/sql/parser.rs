//! From words to an expression, with what RocketMQ checks on the way.
//!
//! Source: the grammar part of `SelectorParser.jj`; the `create…` functions of the expressions.

use crate::cluster::broker::message_filter::sql::eval::{self, Value};
use crate::cluster::broker::message_filter::sql::lexer::{Lexer, Token};
use crate::cluster::broker::message_filter::sql::{LONGEST, SqlError};
use std::cmp::Ordering;
use std::ops::Range;

/// Levels of brackets, `NOT` and signs at most.
const DEEPEST: u32 = 100;

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A literal.
    Constant(Value<'static>),
    /// A property by name.
    Property(String),
    /// `-x`.
    Negate(Box<Expr>),
    /// `NOT x`.
    Not(Box<Expr>),
    /// A property where a boolean is needed.
    Cast(Box<Expr>),
    /// `x < y` and its like.
    Order(OrderOp, Box<Expr>, Box<Expr>),
    /// `x = y`.
    Equal(Box<Expr>, Box<Expr>),
    /// `x IS NULL`.
    IsNull(Box<Expr>),
    /// `x CONTAINS 'y'` and its like; `negated` by a `NOT`.
    Text {
        /// Which test.
        test: TextTest,
        /// Whether it begins with `NOT`.
        negated: bool,
        /// What is tested.
        value: Box<Expr>,
        /// What is looked for.
        search: String,
    },
    /// `p IN ('x', 'y')`.
    In {
        /// A property.
        property: String,
        /// Its values.
        texts: Vec<String>,
        /// `NOT IN`.
        negated: bool,
    },
    /// All of these.
    And(Vec<Expr>),
    /// Any of these.
    Or(Vec<Expr>),
}

/// Comparisons by order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderOp {
    /// `>`.
    Greater,
    /// `>=`.
    GreaterEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessEqual,
}

/// Tests of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextTest {
    /// `CONTAINS`.
    Contains,
    /// `STARTSWITH`.
    StartsWith,
    /// `ENDSWITH`.
    EndsWith,
}

impl OrderOp {
    /// Whether it holds of two values that compare so.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Greater => order.is_gt(),
            Self::GreaterEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessEqual => order.is_le(),
        }
    }
}

impl Expr {
    /// Whether it is true, false or NULL by its form (`BooleanExpression`).
    fn is_boolean(&self) -> bool {
        match self {
            Self::Constant(value) => matches!(value, Value::Bool(_) | Value::Null),
            Self::Property(_) | Self::Negate(_) => false,
            _ => true,
        }
    }
}

/// An expression and where it stands.
type Placed = (Expr, Range<usize>);

struct Parser<'t> {
    lexer: Lexer<'t>,
    token: Token,
    at: Range<usize>,
    /// Where the token before ended.
    end: usize,
    depth: u32,
}

/// The expression in `text`, and where the part begins that follows it.
pub fn parse(text: &str) -> Result<(Expr, Option<usize>), SqlError> {
    if text.len() > LONGEST {
        return Err(SqlError {
            at: 0..text.len(),
            message: format!("an expression has at most {LONGEST} bytes"),
        });
    }
    let mut lexer = Lexer::new(text);
    let (token, at) = lexer.next()?;
    let mut parser = Parser {
        lexer,
        token,
        at,
        end: 0,
        depth: 0,
    };
    let placed = parser.or_expr()?;
    let unread = (parser.token != Token::End).then_some(parser.at.start);
    Ok((boolean(placed)?, unread))
}

/// `asBooleanExpression`.
fn boolean((expr, at): Placed) -> Result<Expr, SqlError> {
    match expr {
        Expr::Property(_) => Ok(Expr::Cast(Box::new(expr))),
        _ if expr.is_boolean() => Ok(expr),
        _ => Err(SqlError {
            at,
            message: "this is neither true nor false".to_owned(),
        }),
    }
}

/// `checkLessThanOperand`: numbers can be ordered, and properties, of which nothing is known yet.
fn orderable((expr, at): &Placed) -> Result<(), SqlError> {
    let message = match expr {
        Expr::Constant(Value::Int(_) | Value::Long(_) | Value::Double(_)) => return Ok(()),
        Expr::Constant(Value::Text(_)) => "texts have no order",
        _ if expr.is_boolean() => "what is true or false has no order",
        _ => return Ok(()),
    };
    Err(SqlError {
        at: at.clone(),
        message: message.to_owned(),
    })
}

/// `createBetween`: bounds that are both given must be in order.
fn bounds(low: &Placed, high: &Placed) -> Result<(), SqlError> {
    let (Expr::Constant(least), Expr::Constant(most)) = (&low.0, &high.0) else {
        return Ok(());
    };
    let message = if *least == Value::Null || *most == Value::Null {
        "a bound cannot be NULL"
    } else if eval::compare(most, least).is_ok_and(Ordering::is_ge) {
        return Ok(());
    } else {
        "the first bound must not be greater than the second"
    };
    Err(SqlError {
        at: low.1.start..high.1.end,
        message: message.to_owned(),
    })
}

/// `createEqual`: no literal NULL, and no literal TRUE or FALSE before another literal.
fn equatable(left: &Placed, right: &Placed) -> Result<(), SqlError> {
    for (expr, at) in [left, right] {
        if *expr == Expr::Constant(Value::Null) {
            return Err(SqlError {
                at: at.clone(),
                message: "nothing equals NULL; write `IS NULL` or `IS NOT NULL`".to_owned(),
            });
        }
    }
    if let (Expr::Constant(Value::Bool(_)), Expr::Constant(value)) = (&left.0, &right.0)
        && !matches!(value, Value::Bool(_))
    {
        return Err(SqlError {
            at: left.1.start..right.1.end,
            message: "these cannot be compared".to_owned(),
        });
    }
    Ok(())
}

impl Parser<'_> {
    fn advance(&mut self) -> Result<(Token, Range<usize>), SqlError> {
        let (token, at) = self.lexer.next()?;
        self.end = self.at.end;
        Ok((
            std::mem::replace(&mut self.token, token),
            std::mem::replace(&mut self.at, at),
        ))
    }

    /// Takes the next token if it is this one.
    fn take(&mut self, token: &Token) -> Result<bool, SqlError> {
        let is_it = self.token == *token;
        if is_it {
            self.advance()?;
        }
        Ok(is_it)
    }

    fn word(&mut self, word: &'static str) -> Result<bool, SqlError> {
        self.take(&Token::Word(word))
    }

    fn sign(&mut self, sign: &'static str) -> Result<bool, SqlError> {
        self.take(&Token::Sign(sign))
    }

    fn expect(&mut self, token: Token, what: &str) -> Result<(), SqlError> {
        if self.take(&token)? {
            return Ok(());
        }
        Err(self.expected(what))
    }

    fn expected(&self, what: &str) -> SqlError {
        let message = match &self.token {
            Token::End => format!("{what} is missing at the end"),
            Token::Word(word) => format!("{what} is expected, not `{word}`"),
            Token::Sign(sign) => format!("{what} is expected, not `{sign}`"),
            Token::Name(name) => format!("{what} is expected, not `{name}`"),
            Token::Text(_) => format!("{what} is expected, not a text"),
            Token::Integer(_) | Token::Float(_) => format!("{what} is expected, not a number"),
        };
        SqlError {
            at: self.at.clone(),
            message,
        }
    }

    fn or_expr(&mut self) -> Result<Placed, SqlError> {
        self.chain("OR", Self::and_expr, Expr::Or)
    }

    fn and_expr(&mut self) -> Result<Placed, SqlError> {
        self.chain("AND", Self::equality, Expr::And)
    }

    /// Operands of AND or OR: left to right is the same as all at once, with NULLs and errors too.
    fn chain(
        &mut self,
        word: &'static str,
        operand: fn(&mut Self) -> Result<Placed, SqlError>,
        join: fn(Vec<Expr>) -> Expr,
    ) -> Result<Placed, SqlError> {
        let (first, mut at) = operand(self)?;
        if self.token != Token::Word(word) {
            return Ok((first, at));
        }
        let mut parts = vec![boolean((first, at.clone()))?];
        while self.word(word)? {
            let (next, its) = operand(self)?;
            at.end = its.end;
            parts.push(boolean((next, its))?);
        }
        Ok((join(parts), at))
    }

    fn equality(&mut self) -> Result<Placed, SqlError> {
        let mut left = self.comparison()?;
        loop {
            let start = left.1.start;
            let expr = if self.sign("=")? {
                self.equal(left)?
            } else if self.sign("<>")? {
                Expr::Not(Box::new(self.equal(left)?))
            } else if self.word("IS")? {
                let negated = self.word("NOT")?;
                self.expect(
                    Token::Word("NULL"),
                    if negated { "NULL" } else { "NULL or NOT NULL" },
                )?;
                let is_null = Expr::IsNull(Box::new(left.0));
                if negated {
                    Expr::Not(Box::new(is_null))
                } else {
                    is_null
                }
            } else {
                return Ok(left);
            };
            left = (expr, start..self.end);
        }
    }

    fn equal(&mut self, left: Placed) -> Result<Expr, SqlError> {
        let right = self.comparison()?;
        equatable(&left, &right)?;
        Ok(Expr::Equal(Box::new(left.0), Box::new(right.0)))
    }

    fn comparison(&mut self) -> Result<Placed, SqlError> {
        const ORDERS: [(&str, OrderOp); 4] = [
            (">", OrderOp::Greater),
            (">=", OrderOp::GreaterEqual),
            ("<", OrderOp::Less),
            ("<=", OrderOp::LessEqual),
        ];
        let mut left = self.unary()?;
        loop {
            let start = left.1.start;
            let order = ORDERS
                .into_iter()
                .find(|(sign, _)| self.token == Token::Sign(sign));
            let expr = if let Some((sign, op)) = order {
                self.sign(sign)?;
                let right = self.unary()?;
                orderable(&left)?;
                orderable(&right)?;
                Expr::Order(op, Box::new(left.0), Box::new(right.0))
            } else {
                let negated = self.word("NOT")?;
                match self.test(left, negated)? {
                    Ok(expr) => expr,
                    Err(left) => return Ok(left),
                }
            };
            left = (expr, start..self.end);
        }
    }

    /// `CONTAINS`, `BETWEEN`, `IN` and their like; the operand itself if none of them follows.
    fn test(&mut self, left: Placed, negated: bool) -> Result<Result<Expr, Placed>, SqlError> {
        const TESTS: [(&str, TextTest); 3] = [
            ("CONTAINS", TextTest::Contains),
            ("STARTSWITH", TextTest::StartsWith),
            ("ENDSWITH", TextTest::EndsWith),
        ];
        for (word, test) in TESTS {
            if self.word(word)? {
                let (value, search) = (Box::new(left.0), self.text()?);
                return Ok(Ok(Expr::Text {
                    test,
                    negated,
                    value,
                    search,
                }));
            }
        }
        if self.word("BETWEEN")? {
            return self.between(left, negated).map(Ok);
        }
        if self.word("IN")? {
            return self.one_of(left, negated).map(Ok);
        }
        if negated {
            return Err(self.expected("CONTAINS, STARTSWITH, ENDSWITH, BETWEEN or IN"));
        }
        Ok(Err(left))
    }

    fn between(&mut self, value: Placed, negated: bool) -> Result<Expr, SqlError> {
        let low = self.unary()?;
        self.expect(Token::Word("AND"), "AND")?;
        let high = self.unary()?;
        if !negated {
            bounds(&low, &high)?;
        }
        for operand in [&value, &low, &high] {
            orderable(operand)?;
        }
        let (value, low, high) = (Box::new(value.0), Box::new(low.0), Box::new(high.0));
        Ok(if negated {
            Expr::Or(vec![
                Expr::Order(OrderOp::Less, value.clone(), low),
                Expr::Order(OrderOp::Greater, value, high),
            ])
        } else {
            Expr::And(vec![
                Expr::Order(OrderOp::GreaterEqual, value.clone(), low),
                Expr::Order(OrderOp::LessEqual, value, high),
            ])
        })
    }

    fn one_of(&mut self, (value, at): Placed, negated: bool) -> Result<Expr, SqlError> {
        self.expect(Token::Sign("("), "`(`")?;
        let mut texts = vec![self.text()?];
        while self.sign(",")? {
            texts.push(self.text()?);
        }
        self.expect(Token::Sign(")"), "`,` or `)`")?;
        let Expr::Property(property) = value else {
            let message = "only a property can be IN a list".to_owned();
            return Err(SqlError { at, message });
        };
        Ok(Expr::In {
            property,
            texts,
            negated,
        })
    }

    fn text(&mut self) -> Result<String, SqlError> {
        match &mut self.token {
            Token::Text(text) => {
                let text = std::mem::take(text);
                self.advance()?;
                Ok(text)
            }
            _ => Err(self.expected("a text in single quotes")),
        }
    }

    fn unary(&mut self) -> Result<Placed, SqlError> {
        if self.depth == DEEPEST {
            return Err(SqlError {
                at: self.at.clone(),
                message: format!("more than {DEEPEST} levels"),
            });
        }
        self.depth += 1;
        let placed = self.signed();
        self.depth -= 1;
        placed
    }

    fn signed(&mut self) -> Result<Placed, SqlError> {
        let start = self.at.start;
        if self.sign("+")? {
            return self.unary();
        }
        let expr = if self.sign("-")? {
            Expr::Negate(Box::new(self.unary()?.0))
        } else if self.word("NOT")? {
            let operand = self.unary()?;
            Expr::Not(Box::new(boolean(operand)?))
        } else {
            return self.primary();
        };
        Ok((expr, start..self.end))
    }

    fn primary(&mut self) -> Result<Placed, SqlError> {
        let constant = match &self.token {
            Token::Sign("(") => {
                let (_, open) = self.advance()?;
                let (expr, _) = self.or_expr()?;
                let end = self.at.end;
                self.expect(Token::Sign(")"), "`)`")?;
                return Ok((expr, open.start..end));
            }
            Token::Name(_) => None,
            Token::Text(text) => Some(Value::Text(text.clone().into())),
            Token::Integer(digits) => Some(self.integer(digits)?),
            Token::Float(digits) => Some(self.float(digits)?),
            Token::Word("TRUE") => Some(Value::Bool(true)),
            Token::Word("FALSE") => Some(Value::Bool(false)),
            Token::Word("NULL") => Some(Value::Null),
            _ => return Err(self.expected("a property or a value")),
        };
        let (token, at) = self.advance()?;
        let expr = match (constant, token) {
            (Some(value), _) => Expr::Constant(value),
            (None, Token::Name(name)) => Expr::Property(name),
            (None, _) => unreachable!("only names have no value yet"),
        };
        Ok((expr, at))
    }

    /// `createFromDecimal`.
    fn integer(&self, digits: &str) -> Result<Value<'static>, SqlError> {
        let long: i64 = digits.parse().map_err(|_| SqlError {
            at: self.at.clone(),
            message: "this number has more than 64 bits".to_owned(),
        })?;
        Ok(i32::try_from(long).map_or(Value::Long(long), Value::Int))
    }

    /// `createFloat`: 0.0 is less than `Double.MIN_VALUE` and refused.
    fn float(&self, digits: &str) -> Result<Value<'static>, SqlError> {
        let value: f64 = digits.parse().unwrap_or(f64::INFINITY);
        let message = if value.is_infinite() {
            "this number is too large"
        } else if value == 0.0 {
            "RocketMQ refuses a floating-point zero; write 0"
        } else {
            return Ok(Value::Double(value));
        };
        Err(SqlError {
            at: self.at.clone(),
            message: message.to_owned(),
        })
    }
}
