//! Is one item bad, or is the table? DynamoDB answers both with a refusal. A table that was recreated
//! with another key refuses every item, and then nothing may be quarantined for it.

/// Counts refusals without a success between them.
#[derive(Debug, Default)]
pub struct Rejections {
    in_a_row: u32,
    proven: bool,
}

impl Rejections {
    /// So many refusals in a row are the table's fault.
    pub const LIMIT: u32 = 20;

    /// A write had an answer about the item: it was made, or it was there.
    pub fn on_success(&mut self) {
        self.in_a_row = 0;
        self.proven = true;
    }

    /// The service refused an item. Answers whether the item itself may be blamed: only while the table
    /// is known to take others.
    pub fn on_refusal(&mut self) -> bool {
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.proven && self.in_a_row < Self::LIMIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_refusals_in_a_row_acquit_the_items_until_one_succeeds() {
        let mut rejections = Rejections::default();
        assert!(!rejections.on_refusal(), "blamed before the table took anything");
        rejections.on_success();
        for _ in 1..Rejections::LIMIT {
            assert!(rejections.on_refusal());
        }
        assert!(!rejections.on_refusal());
        assert!(!rejections.on_refusal());
        rejections.on_success();
        assert!(rejections.on_refusal());
    }
}
