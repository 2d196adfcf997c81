//! What subscriptions ask for: tags and SQL92 expressions, each checked where it stands and numbered.

use super::{Resolver, field};
use crate::cluster::broker::message_filter::SubscriptionData;
use crate::cluster::broker::message_filter::sql::Sql;
use crate::cluster::config::{Delivery, Expression, ExpressionId, GroupConfig, TopicConfig};
use crate::cluster::ids::TopicId;
use crate::scenario::limits;
use crate::scenario::locate::{self, FieldPath};
use crate::scenario::schema::{ExpressionBlock, ExpressionShape, SubscribeBlock};

/// Which messages are wanted of some topics; all of those that are not named.
pub(super) type Filters = Vec<(TopicId, ExpressionId)>;

impl Resolver<'_> {
    /// The topics of a `subscribe` at `path`, sorted, and which messages of them.
    pub(super) fn subscribed(
        &mut self,
        path: &FieldPath,
        subscribe: &SubscribeBlock,
        topics: &[TopicConfig],
    ) -> (Vec<TopicId>, Filters) {
        let (mut found, mut filters) = (Vec::new(), Filters::new());
        // Numbers of expressions must not depend on the order of keys in the file.
        let mut subscribe: Vec<_> = subscribe.iter().collect();
        subscribe.sort_by_key(|(name, _)| *name);
        for (name, expression) in subscribe {
            let here = path.key(name);
            let topic = self.topic(&here, true, name, topics);
            let expression = self.expression(&here, expression.as_ref());
            found.extend(topic);
            if let Some(topic) = topic
                && !expression.is_all()
            {
                filters.push((topic, expression));
            }
        }
        found.sort();
        filters.sort();
        (found, filters)
    }

    /// The number of the expression at `path`.
    pub(super) fn expression(&mut self, path: &FieldPath, block: Option<&ExpressionBlock>) -> ExpressionId {
        let expression = match block {
            None => return ExpressionId::ALL,
            Some(ExpressionBlock::Tags(text)) => self.tags_expression(path, text),
            Some(ExpressionBlock::Shape(ExpressionShape::Sql(text))) => {
                self.sql_expression(&path.key("sql"), text)
            }
        };
        expression.map_or(ExpressionId::ALL, |expression| self.number(path, expression))
    }

    /// The same expression has the same number wherever it stands.
    fn number(&mut self, path: &FieldPath, expression: Expression) -> ExpressionId {
        let is_same = |known: &Expression| match (known, &expression) {
            (Expression::Tags(known), Expression::Tags(this)) => known.tags == this.tags,
            (known, this) => known == this,
        };
        let known = self.expressions.iter().position(is_same);
        let at = known.unwrap_or_else(|| {
            self.expressions.push(expression);
            self.expressions.len() - 1
        });
        if known.is_none() && self.expressions.len() == limits::EXPRESSIONS + 1 {
            let message = format!("more than {} different filter expressions", limits::EXPRESSIONS);
            self.problem(path, message).label = "one too many".to_owned();
        }
        ExpressionId(at as u16 + 1)
    }

    /// `None` if all messages are wanted, or if it has been reported.
    fn tags_expression(&mut self, path: &FieldPath, text: &str) -> Option<Expression> {
        if text.len() > limits::EXPRESSION_BYTES {
            let message = format!(
                "a filter expression has at most {} bytes",
                limits::EXPRESSION_BYTES
            );
            self.problem(path, message).label = "too long".to_owned();
            return None;
        }
        match SubscriptionData::of_tags(Some(text)) {
            Ok(subscription) if subscription.is_all() => None,
            Ok(subscription) => Some(Expression::Tags(subscription)),
            Err(_) => {
                let problem = self.problem(path, format!("`{text}` has no tag in it"));
                problem.label = "RocketMQ refuses to subscribe to it (subString split error)".to_owned();
                problem
                    .help
                    .push("write \"*\" for all messages, or tags like \"TagA || TagB\"".to_owned());
                None
            }
        }
    }

    fn sql_expression(&mut self, path: &FieldPath, text: &str) -> Option<Expression> {
        if !self.file.cluster.tuning.enable_property_filter {
            let problem = self.problem(
                path,
                "the brokers refuse SQL92 filters: `enablePropertyFilter` is false",
            );
            problem.label = "the client could not start".to_owned();
            problem.help.push(
                "false is RocketMQ's default; allow them with \"cluster\": { \"tuning\": { \"enablePropertyFilter\": true } }"
                    .to_owned(),
            );
            return None;
        }
        if text.is_empty() {
            let problem = self.problem(path, "an SQL92 expression must not be empty");
            problem.label = "nothing to evaluate".to_owned();
            problem
                .help
                .push("for example \"amount > 10 AND region = 'eu'\"".to_owned());
            return None;
        }
        match Sql::compile(text) {
            Ok(sql) => {
                if let Some(at) = sql.unread() {
                    let span = self.inside(path, at, text.len());
                    let message = "RocketMQ does not look at what follows a complete expression";
                    let problem = self.problem_at(path, span, message);
                    problem.label = "would be ignored without a word".to_owned();
                    problem
                        .help
                        .push("join conditions with AND or OR, or remove it".to_owned());
                    return None;
                }
                Some(Expression::Sql(sql))
            }
            Err(error) => {
                let span = self.inside(path, error.at.start, error.at.end);
                let problem =
                    self.problem_at(path, span, format!("not an SQL92 expression: {}", error.message));
                problem.label = "here".to_owned();
                None
            }
        }
    }

    /// Reports filters, at `path`, of a group whose messages are pushed.
    pub(super) fn no_push_through(&mut self, path: &FieldPath, filters: &Filters, delivery: Delivery) {
        if !filters.is_empty() && matches!(delivery, Delivery::Push { .. }) {
            let problem = self.problem(path, "a group whose messages are pushed cannot filter");
            problem.label = "push is not RocketMQ's, and knows no filters".to_owned();
            problem
                .help
                .push("use another \"delivery\", or subscribe to all messages: \"*\"".to_owned());
        }
    }

    /// The `subscription` of a timeline entry: other messages of topics that the group subscribes to.
    pub(super) fn new_subscription(
        &mut self,
        path: &FieldPath,
        subscription: &SubscribeBlock,
        group: &GroupConfig,
        topics: &[TopicConfig],
    ) -> Filters {
        let mut filters = Filters::new();
        for (name, expression) in subscription {
            let here = path.key(name);
            let expression = self.expression(&here, expression.as_ref());
            let Some(topic) = self.topic(&here, true, name, topics) else {
                continue;
            };
            if group.subscribe.binary_search(&topic).is_err() {
                let message = format!("the group `{}` does not subscribe to `{name}`", group.name);
                let of_group = locate::key_span_of(self.root, &field!["groups", group.name, "subscribe"]);
                let problem = self.name_problem(&here, message);
                problem.label = "only what it subscribes to can be asked for anew".to_owned();
                problem.related.push((of_group, "the group's".to_owned()));
            }
            filters.push((topic, expression));
        }
        self.no_push_through(path, &filters, group.delivery);
        filters
    }
}

/// Puts `new` in place of what `filters` say of the same topics.
pub(super) fn refilter(filters: &mut Filters, new: &[(TopicId, ExpressionId)]) {
    filters.retain(|(topic, _)| new.iter().all(|(other, _)| other != topic));
    filters.extend(new.iter().filter(|(_, expression)| !expression.is_all()));
    filters.sort();
}
