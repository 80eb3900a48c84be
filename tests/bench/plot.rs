//! The peers as a picture: messages a second and CPU for 1,000 messages, each consumer at each delay, on
//! logarithmic scales.
//!
//! Must say which consumer is missing: a gap is no result.

use std::path::Path;

use crate::canvas::{Canvas, Colour, LARGE, SMALL};
use crate::comparison::{Row, rows};
use crate::goals::figure;
use crate::runs::{CPU, Figure, Runs, SPEED};
use crate::sections::peers::DELAYS_MS;

const GROUND: Colour = [255, 255, 255];
const INK: Colour = [33, 37, 41];
const FAINT: Colour = [222, 226, 230];
const STRIPE: Colour = [246, 247, 249];
/// By delay; told apart without colour too, by their order.
const COLOURS: [Colour; 3] = [[0, 114, 178], [230, 159, 0], [204, 51, 78]];

const WIDTH: usize = 1_600;
const MARGIN: usize = 28;
const NAMES: usize = 270;
const TOP: usize = 150;
const LINE: usize = 18;
const ROW: usize = 3 * LINE + 12;
const PANEL: usize = (WIDTH - NAMES - MARGIN) / 2;
/// Where a panel's figures are, so that the longest stem's number has room.
const SCALE: usize = PANEL - 110;

/// One of the two pictures beside each other.
struct Panel {
    left: usize,
    title: &'static str,
    figure: Figure,
}

/// Draws what was measured; nothing if no peers were.
pub(crate) fn save(path: &Path, runs: &Runs, about: &str, skipped: &[String]) -> anyhow::Result<bool> {
    let rows = rows(runs);
    if rows.is_empty() {
        return Ok(false);
    }
    let notes: Vec<&str> = [about].into_iter().chain(skipped.iter().map(String::as_str)).collect();
    let bottom = TOP + rows.len() * ROW;
    let mut canvas = Canvas::new(WIDTH, bottom + 60 + notes.len() * 22, GROUND);
    canvas.text(
        MARGIN,
        24,
        "profile-worker and its peers: the same messages, the same endpoints",
        LARGE,
        INK,
    );
    let mut left = MARGIN;
    for (delay, colour) in DELAYS_MS.iter().zip(COLOURS) {
        canvas.disc(left + 6, 72, 6, colour);
        let text = format!("{delay} ms added to every call");
        canvas.text(left + 20, 64, &text, SMALL, INK);
        left += 270;
    }
    for (place, row) in rows.iter().enumerate() {
        let top = TOP + place * ROW;
        if place.is_multiple_of(2) {
            canvas.rectangle(MARGIN / 2, top, WIDTH - MARGIN, ROW, STRIPE);
        }
        canvas.text_before(NAMES - 10, top + ROW / 2 - 8, row.who, INK);
    }
    let panels = [
        Panel { left: NAMES, title: "messages a second (more is better)", figure: SPEED },
        Panel {
            left: NAMES + PANEL,
            title: "CPU ms per 1,000 messages (less is better; starting included)",
            figure: CPU,
        },
    ];
    for panel in panels {
        panel.draw(&mut canvas, &rows, bottom);
    }
    for (place, note) in notes.iter().enumerate() {
        canvas.text(MARGIN, bottom + 44 + place * 22, note, SMALL, INK);
    }
    canvas.save(path)?;
    Ok(true)
}

impl Panel {
    fn draw(&self, canvas: &mut Canvas, rows: &[Row<'_>], bottom: usize) {
        let figures = rows.iter().flat_map(|row| row.medians(self.figure)).flatten();
        let (low, high) =
            figures.fold((f64::MAX, f64::MIN), |(low, high), one| (low.min(one), high.max(one)));
        let decades = (exponent(low.log10().floor()), exponent(high.log10().ceil()));
        canvas.text(self.left, 104, self.title, SMALL, INK);
        for power in decades.0..=decades.1 {
            let x = self.left + place(10_f64.powi(power), decades);
            canvas.rectangle(x, TOP - 6, 1, bottom - TOP + 12, FAINT);
            canvas.text_around(
                x,
                TOP - 24,
                &figure(10_f64.powi(power)).replace(".00", "").replace(".0", ""),
                INK,
            );
        }
        for (number, row) in rows.iter().enumerate() {
            for (line, median) in row.medians(self.figure).into_iter().enumerate() {
                let Some(median) = median else { continue };
                let y = TOP + number * ROW + 6 + line * LINE + LINE / 2;
                let x = place(median, decades);
                canvas.rectangle(self.left, y - 1, x, 3, COLOURS[line]);
                canvas.disc(self.left + x, y, 5, COLOURS[line]);
                canvas.text(self.left + x + 11, y - 8, &figure(median), SMALL, INK);
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a power of ten of a speed or a time")]
fn exponent(power: f64) -> i32 {
    power as i32
}

/// Pixels from the beginning of the scale.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place on a picture")]
fn place(figure: f64, (first, last): (i32, i32)) -> usize {
    let part = (figure.log10() - f64::from(first)) / f64::from((last - first).max(1));
    (part.clamp(0.0, 1.0) * SCALE as f64) as usize
}
