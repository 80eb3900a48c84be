//! docs/scaling.md computes from figures that stand in it: here they are computed again, so that no sum, no number
//! of tasks and no break-even can drift from the prices and the quantities beside it.

#![allow(clippy::cast_precision_loss, reason = "counts far below 2^53")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The rows of the table whose head begins with these words, by their first cell; the head itself under "".
fn table(head: &str) -> BTreeMap<String, Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scaling.md");
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&format!("| {head}")));
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim_matches('|').replace("**", "");
        line.split('|').map(|cell| cell.trim().replace(',', "")).collect()
    };
    let names = cells(lines.next().unwrap_or_else(|| panic!("no table {head}")));
    let rows = lines.skip(1).take_while(|line| line.starts_with('|')).map(cells);
    let rows = rows.map(|row| (row[0].clone(), row[1..].to_vec()));
    std::iter::once((String::new(), names[1..].to_vec())).chain(rows).collect()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

/// What a million cost in each design, by unit.
fn costs() -> BTreeMap<String, Vec<f64>> {
    let (prices, takes) = (table("unit | $"), table("unit | handler"));
    let units = takes.iter().filter(|(unit, _)| !unit.is_empty());
    let cost = |(unit, quantities): (&String, &Vec<String>)| {
        let price = prices.get(unit).unwrap_or_else(|| panic!("no price for {unit}"));
        let each = number(&price[0]) / number(&price[1]);
        (unit.clone(), quantities.iter().map(|quantity| number(quantity) * each).collect())
    };
    units.map(cost).collect()
}

fn sums() -> Vec<f64> {
    let costs = costs();
    (0..5).map(|design| costs.values().map(|cost| cost[design]).sum()).collect()
}

#[test]
fn the_costs_are_prices_times_quantities() {
    let (told, costs) = (table("$ for a million"), costs());
    assert_eq!(told[""], table("unit | handler")[""]);
    let parts = [
        ("Lambda", vec!["Lambda request", "Lambda GB second arm64"]),
        ("SQS", vec!["SQS request"]),
        ("DynamoDB", vec!["DynamoDB write unit"]),
        ("AppSync", vec!["AppSync operation *"]),
        ("Pipes and Express", vec!["Pipes request", "Express workflow *", "Express GB second *"]),
    ];
    assert_eq!(
        parts.iter().map(|(_, units)| units.len()).sum::<usize>(),
        costs.len(),
        "a unit is in no part"
    );
    assert_eq!(told.len(), parts.len() + 2, "a part is computed from nothing");
    for (part, units) in parts {
        for (design, text) in told[part].iter().enumerate() {
            let cost: f64 = units.iter().map(|unit| costs[*unit][design]).sum();
            assert_eq!(*text, format!("{cost:.3}"), "{part}, {}", told[""][design]);
        }
    }
    let sums: Vec<_> = sums().iter().map(|sum| format!("{sum:.3}")).collect();
    assert_eq!(told["sum"], sums);
}

#[test]
fn it_is_cheaper_from_where_it_says() {
    let (told, sums) = (table("against | task"), sums());
    let designs = &table("unit | handler")[""];
    let worker = sums[4];
    for (design, sum) in designs.iter().zip(&sums).take(4) {
        for (fixed, text) in [7.21, 10.98].into_iter().zip(&told[design]) {
            let millions = fixed / (sum - worker);
            let digits = usize::from(millions < 100.0);
            assert_eq!(*text, format!("{millions:.digits$}"), "{design}, {fixed} a month");
        }
    }
    assert_eq!(told.len(), 5);
}

#[test]
fn the_tasks_needed_follow_from_the_formula() {
    let told = table("confirmations a second");
    assert_eq!(told.len(), 4);
    for (rate, cells) in told.iter().filter(|(rate, _)| !rate.is_empty()) {
        let rate: u64 = rate.parse().unwrap();
        // 0.000105 s each, at 60 % of 0.25 and of 1 vCPU: in millionths, so that nothing is rounded by chance.
        let (quarter, whole) = ((rate * 105).div_ceil(150_000), (rate * 105).div_ceil(600_000));
        let needed = [quarter, whole, rate, rate.div_ceil(1000)].map(|count| count.to_string());
        assert_eq!(cells[..], needed, "{rate} a second");
    }
}
