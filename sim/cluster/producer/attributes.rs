//! What a message is about: its tag, its key, its properties.
//!
//! Nothing of it is stored. All of it derives from the message's identity and its random word, so that it is told again
//! wherever it is asked for, and a retry copy carries what its original carried. Each attribute forks a stream of
//! its own: another distribution of keys changes no tag. Choices go by the inverse of the distribution function, so a
//! slightly different distribution changes few messages.
//!
//! In RocketMQ these are the properties `TAGS`, `KEYS` and those of the user.

use crate::cluster::config::{AttributesConfig, ClusterConfig, KeyDist, PropertyDist};
use crate::cluster::ids::MessageId;
use crate::kernel::math;
use crate::kernel::streams::{Luck, Source, Streams};
use std::rc::Rc;

/// A tag by its position among all tags of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId(pub u16);

impl TagId {
    /// Position in the table of tags.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A key by its number, from 1; its text is `k` and the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u32);

impl Key {
    /// The key of this text, if it is one.
    pub fn of_text(text: &str) -> Option<Self> {
        let digits = text
            .strip_prefix('k')
            .filter(|digits| !digits.starts_with(['0', '+']))?;
        digits.parse().ok().map(Self)
    }

    /// `String.hashCode` of its text.
    pub fn java_hash(self) -> i32 {
        let (mut digits, mut n, mut at) = ([0; 10], self.0, 10);
        loop {
            at -= 1;
            digits[at] = b'0' + (n % 10) as u8;
            n /= 10;
            if n == 0 {
                break;
            }
        }
        let step = |hash: i32, byte: &u8| hash.wrapping_mul(31).wrapping_add(i32::from(*byte));
        digits[at..].iter().fold(i32::from(b'k'), step)
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "k{}", self.0)
    }
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyValue<'a> {
    /// One of the texts of the scenario.
    Text(&'a str),
    /// A whole number.
    Number(i64),
}

/// What all messages of a run are about.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    /// All tags that producers use, in the order of the scenario.
    tags: Vec<String>,
    /// By producer; empty if no message has an attribute.
    producers: Vec<Rc<Drawn>>,
    salts: Salts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Salts {
    tag: u64,
    key: u64,
    property: u64,
}

/// How the attributes of one producer's messages are drawn.
#[derive(Debug)]
struct Drawn {
    tags: Option<Choice<Option<TagId>>>,
    keys: Option<Keys>,
    properties: Vec<(String, PropertyDraw)>,
}

#[derive(Debug)]
enum PropertyDraw {
    Choice(Choice<String>),
    Uniform(i64, i64),
}

#[derive(Debug)]
enum Keys {
    Uniform(u32),
    /// Upper bounds of `unit` for keys 1, 2, …; the last is 1.
    Ranked(Vec<f64>),
}

/// One of several, by weight.
#[derive(Debug)]
struct Choice<T> {
    items: Vec<T>,
    /// Upper bounds of the word for each item.
    bounds: Vec<u64>,
    total: u64,
}

impl<T> Choice<T> {
    fn new(weighted: impl Iterator<Item = (T, u32)>) -> Self {
        let (mut items, mut bounds, mut total) = (Vec::new(), Vec::new(), 0);
        for (item, weight) in weighted {
            total += u64::from(weight);
            items.push(item);
            bounds.push(total);
        }
        Self { items, bounds, total }
    }

    fn draw(&self, source: &mut impl Source) -> &T {
        if let [only] = self.items.as_slice() {
            return only;
        }
        let word = (source.unit() * self.total as f64) as u64;
        &self.items[self.bounds.partition_point(|bound| *bound <= word)]
    }
}

impl Keys {
    fn new(dist: KeyDist) -> Self {
        match dist {
            KeyDist::Uniform { count } => Self::Uniform(count),
            KeyDist::Zipf { count, exponent } => {
                let weights = (1..=count).map(|rank| math::pow(f64::from(rank), -exponent));
                let mut sum = 0.0;
                let mut bounds: Vec<f64> = weights
                    .map(|weight| {
                        sum += weight;
                        sum
                    })
                    .collect();
                for bound in &mut bounds {
                    *bound /= sum;
                }
                Self::Ranked(bounds)
            }
        }
    }

    fn draw(&self, source: &mut impl Source) -> Key {
        let unit = source.unit();
        Key(1 + match self {
            Self::Uniform(count) => (unit * f64::from(*count)) as u32,
            Self::Ranked(bounds) => {
                let below = bounds.partition_point(|bound| *bound <= unit);
                below.min(bounds.len() - 1) as u32
            }
        })
    }
}

impl Attributes {
    /// Those of all producers of `config`.
    pub fn new(config: &ClusterConfig, streams: &Streams) -> Self {
        let mut attributes = Self {
            salts: Salts {
                tag: streams.salt("messages", "tag"),
                key: streams.salt("messages", "key"),
                property: streams.salt("messages", "property"),
            },
            ..Self::default()
        };
        if config
            .producers
            .iter()
            .all(|p| p.attributes == AttributesConfig::default())
        {
            return attributes;
        }
        let mut last: Option<&AttributesConfig> = None;
        for producer in &config.producers {
            // Instances that are alike share one table.
            let known = (last == Some(&producer.attributes)).then(|| attributes.producers.last());
            let drawn = match known.flatten() {
                Some(drawn) => Rc::clone(drawn),
                None => Rc::new(attributes.drawn(&producer.attributes)),
            };
            attributes.producers.push(drawn);
            last = Some(&producer.attributes);
        }
        attributes
    }

    fn drawn(&mut self, config: &AttributesConfig) -> Drawn {
        let tags: Vec<(Option<TagId>, u32)> = config
            .tags
            .iter()
            .map(|(tag, weight)| (self.intern(tag), *weight))
            .collect();
        let property = |(name, dist): &(String, PropertyDist)| {
            let draw = match dist {
                PropertyDist::Choices(choices) => PropertyDraw::Choice(Choice::new(choices.iter().cloned())),
                PropertyDist::Uniform { min, max } => PropertyDraw::Uniform(*min, *max),
            };
            (name.clone(), draw)
        };
        Drawn {
            tags: (!tags.is_empty()).then(|| Choice::new(tags.into_iter())),
            keys: config.keys.map(Keys::new),
            properties: config.properties.iter().map(property).collect(),
        }
    }

    /// The empty tag is none.
    fn intern(&mut self, tag: &str) -> Option<TagId> {
        if tag.is_empty() {
            return None;
        }
        let known = self.tags.iter().position(|known| known == tag);
        let at = known.unwrap_or_else(|| {
            self.tags.push(tag.to_owned());
            self.tags.len() - 1
        });
        Some(TagId(at as u16))
    }

    /// All tags that producers use, by [`TagId`].
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    #[inline]
    fn of(&self, message: MessageId) -> Option<&Drawn> {
        self.producers.get(message.producer().index()).map(Rc::as_ref)
    }

    /// The tag of a message whose random word is `luck`; `None` if it has none.
    #[inline]
    pub fn tag(&self, message: MessageId, luck: u64) -> Option<TagId> {
        let tags = self.of(message)?.tags.as_ref()?;
        *tags.draw(&mut Luck(luck).fork(self.salts.tag, 0))
    }

    /// The key of a message; `None` if it has none.
    #[inline]
    pub fn key(&self, message: MessageId, luck: u64) -> Option<Key> {
        let keys = self.of(message)?.keys.as_ref()?;
        Some(keys.draw(&mut Luck(luck).fork(self.salts.key, 0)))
    }

    /// A property of a message by its name; `None` if it has none of this name.
    pub fn property(&self, message: MessageId, luck: u64, name: &str) -> Option<PropertyValue<'_>> {
        let properties = &self.of(message)?.properties;
        let at = properties.iter().position(|(known, _)| known == name)?;
        let mut draws = Luck(luck).fork(self.salts.property, at as u64);
        Some(match &properties[at].1 {
            PropertyDraw::Choice(choice) => PropertyValue::Text(choice.draw(&mut draws)),
            PropertyDraw::Uniform(min, max) => {
                let span = max.abs_diff(*min);
                let over = match span.checked_add(1) {
                    Some(count) => draws.below(count),
                    None => draws.next_u64(),
                };
                PropertyValue::Number(min.wrapping_add_unsigned(over))
            }
        })
    }

    /// Whether messages of any producer have keys.
    pub fn has_keys(&self) -> bool {
        self.producers.iter().any(|drawn| drawn.keys.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ids::ProducerId;
    use crate::cluster::message_queue::java_hash;

    fn drawn(config: AttributesConfig) -> Attributes {
        let mut attributes = Attributes {
            salts: Salts {
                tag: 1,
                key: 2,
                property: 3,
            },
            ..Attributes::default()
        };
        let drawn = Rc::new(attributes.drawn(&config));
        attributes.producers.push(drawn);
        attributes
    }

    const MESSAGES: u64 = 100_000;

    /// Luck of `MESSAGES` messages, and the share of those that pass.
    fn share(passes: impl Fn(MessageId, u64) -> bool) -> f64 {
        let id = |n| MessageId::new(ProducerId(0), n);
        let count = (0..MESSAGES).filter(|&n| passes(id(n), n.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        count.count() as f64 / MESSAGES as f64
    }

    /// The standard error of a share of a quarter is 0.0014.
    #[test]
    fn tags_come_by_their_weights() {
        let tags = [("TagA", 3), ("TagB", 1), ("", 4)];
        let tags = tags.map(|(tag, weight)| (tag.to_owned(), weight)).to_vec();
        let attributes = drawn(AttributesConfig {
            tags,
            ..AttributesConfig::default()
        });
        assert_eq!(attributes.tags(), ["TagA", "TagB"]);
        for (tag, expected) in [(Some(TagId(0)), 0.375), (Some(TagId(1)), 0.125), (None, 0.5)] {
            let seen = share(|id, luck| attributes.tag(id, luck) == tag);
            assert!((seen - expected).abs() < 0.006, "{tag:?}: {seen}");
        }
    }

    /// Zipf with exponent 1 over 4 keys: shares 12, 6, 4, 3 of 25.
    #[test]
    fn keys_come_by_their_ranks() {
        let keys = Some(KeyDist::Zipf {
            count: 4,
            exponent: 1.0,
        });
        let attributes = drawn(AttributesConfig {
            keys,
            ..AttributesConfig::default()
        });
        for (key, expected) in [(1, 0.48), (2, 0.24), (3, 0.16), (4, 0.12)] {
            let seen = share(|id, luck| attributes.key(id, luck) == Some(Key(key)));
            assert!((seen - expected).abs() < 0.006, "{key}: {seen}");
        }
        let uniform = drawn(AttributesConfig {
            keys: Some(KeyDist::Uniform { count: 2 }),
            ..AttributesConfig::default()
        });
        let seen = share(|id, luck| uniform.key(id, luck) == Some(Key(2)));
        assert!((seen - 0.5).abs() < 0.006, "{seen}");
    }

    #[test]
    fn properties_are_texts_or_numbers() {
        let choices = vec![("eu".to_owned(), 1), ("us".to_owned(), 1)];
        let properties = vec![
            ("region".to_owned(), PropertyDist::Choices(choices)),
            ("amount".to_owned(), PropertyDist::Uniform { min: -1, max: 2 }),
        ];
        let attributes = drawn(AttributesConfig {
            properties,
            ..AttributesConfig::default()
        });
        let is = |name, value| share(|id, luck| attributes.property(id, luck, name) == value);
        assert!((is("region", Some(PropertyValue::Text("eu"))) - 0.5).abs() < 0.006);
        for number in -1..=2 {
            assert!((is("amount", Some(PropertyValue::Number(number))) - 0.25).abs() < 0.006);
        }
        assert_eq!(is("colour", None), 1.0);
    }

    #[test]
    fn a_key_is_a_text_with_javas_hash() {
        for n in [1, 9, 10, 4_294_967_295] {
            let key = Key(n);
            assert_eq!(key.java_hash(), java_hash(&key.to_string()));
            assert_eq!(Key::of_text(&key.to_string()), Some(key));
        }
        for text in ["k0", "k01", "k", "7", "k-1", "k+1", "k4294967296"] {
            assert_eq!(Key::of_text(text), None, "{text}");
        }
    }
}
