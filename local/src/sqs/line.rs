//! The line of visible messages of one queue, fair between message groups.
//!
//! Exists because a standard queue with `MessageGroupId`s is a fair queue: a tenant with a million
//! waiting messages must not delay a tenant with one. The rule: groups take turns, one message each,
//! first come first served within a group; messages without a group are one group together. Must
//! never look at more than the head of a group, so that its cost does not grow with the backlog.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

pub(crate) type Group = Option<Arc<str>>;

/// Every group with waiting messages stands in `turns` exactly once.
pub(crate) struct Line<K> {
    turns: VecDeque<Group>,
    waiting: HashMap<Group, VecDeque<K>>,
}

impl<K> Line<K> {
    pub(crate) fn new() -> Self {
        Self { turns: VecDeque::new(), waiting: HashMap::new() }
    }

    pub(crate) fn push(&mut self, group: &Group, key: K) {
        if let Some(own) = self.waiting.get_mut(group) {
            own.push_back(key);
        } else {
            self.waiting.insert(group.clone(), VecDeque::from([key]));
            self.turns.push_back(group.clone());
        }
    }

    pub(crate) fn pop(&mut self) -> Option<K> {
        loop {
            let group = self.turns.pop_front()?;
            let Some(own) = self.waiting.get_mut(&group) else {
                continue;
            };
            let key = own.pop_front();
            if own.is_empty() {
                self.waiting.remove(&group);
            } else {
                self.turns.push_back(group);
            }
            if key.is_some() {
                return key;
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.turns.clear();
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn groups_take_turns_and_keep_their_own_order() {
        let mut line = Line::new();
        let (noisy, quiet) = (Some("noisy".into()), Some("quiet".into()));
        for n in 0..4 {
            line.push(&noisy, n);
        }
        line.push(&quiet, 10);
        line.push(&None, 20);
        let order: Vec<i32> = std::iter::from_fn(|| line.pop()).collect();
        assert_eq!(order, [0, 10, 20, 1, 2, 3]);
    }

    #[test]
    fn a_group_that_emptied_may_come_back() {
        let mut line = Line::new();
        line.push(&None, 1);
        assert_eq!(line.pop(), Some(1));
        assert_eq!(line.pop(), None);
        line.push(&None, 2);
        assert_eq!(line.pop(), Some(2));
    }
}
