//! Is one item bad, or is the table? DynamoDB answers both with a refusal. A table that was recreated
//! with another key refuses every item, and then nothing may be quarantined for it.

/// Counts refused items without a success between them.
#[derive(Debug, Default)]
pub struct Rejections {
    in_a_row: u32,
    proven: bool,
}

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The item's: the table takes others.
    Item,
    /// Nobody knows yet: the table has taken nothing from this process so far.
    Unknown,
    /// The table's: it refuses everything.
    Table,
}

impl Rejections {
    /// So many refused items in a row are the table's fault.
    pub const LIMIT: u32 = 20;

    /// A write had an answer about the item: it was made, or it was there.
    pub fn on_success(&mut self) {
        self.in_a_row = 0;
        self.proven = true;
    }

    /// The service refused one more item. To be called once an item, not once an attempt.
    pub fn on_refusal(&mut self) -> Blame {
        self.in_a_row = self.in_a_row.saturating_add(1);
        match (self.in_a_row < Self::LIMIT, self.proven) {
            (true, true) => Blame::Item,
            (true, false) => Blame::Unknown,
            (false, _) => Blame::Table,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_refusals_in_a_row_acquit_the_items_until_one_succeeds() {
        let mut rejections = Rejections::default();
        assert_eq!(rejections.on_refusal(), Blame::Unknown, "blamed before the table took anything");
        rejections.on_success();
        for _ in 1..Rejections::LIMIT {
            assert_eq!(rejections.on_refusal(), Blame::Item);
        }
        assert_eq!(rejections.on_refusal(), Blame::Table);
        assert_eq!(rejections.on_refusal(), Blame::Table);
        rejections.on_success();
        assert_eq!(rejections.on_refusal(), Blame::Item);
    }
}
