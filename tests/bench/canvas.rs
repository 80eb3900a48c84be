//! A picture as pixels: rectangles, discs and text. The font is in the build, so that it looks the same on a
//! machine without any.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

pub(crate) type Colour = [u8; 3];

/// Two sizes of text, in pixels of height.
pub(crate) const SMALL: RasterHeight = RasterHeight::Size16;
pub(crate) const LARGE: RasterHeight = RasterHeight::Size20;

/// Red, green and blue, row by row.
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    pub(crate) fn new(width: usize, height: usize, ground: Colour) -> Self {
        Self { width, height, pixels: ground.repeat(width * height) }
    }

    pub(crate) fn save(&self, path: &Path) -> anyhow::Result<()> {
        let to = BufWriter::new(File::create(path)?);
        let mut encoder = png::Encoder::new(to, u32::try_from(self.width)?, u32::try_from(self.height)?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        Ok(encoder.write_header()?.write_image_data(&self.pixels)?)
    }

    pub(crate) fn rectangle(&mut self, left: usize, top: usize, width: usize, height: usize, colour: Colour) {
        for y in top..top + height {
            for x in left..left + width {
                self.cover(x, y, colour, 255);
            }
        }
    }

    /// Its edge is as smooth as the distance from the middle says.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of 255")]
    pub(crate) fn disc(&mut self, x: usize, y: usize, radius: usize, colour: Colour) {
        for down in y.saturating_sub(radius)..=y + radius {
            for right in x.saturating_sub(radius)..=x + radius {
                let (dx, dy) = (right.abs_diff(x) as f64, down.abs_diff(y) as f64);
                let inside = radius as f64 + 0.5 - dx.hypot(dy);
                self.cover(right, down, colour, (inside.clamp(0.0, 1.0) * 255.0) as u8);
            }
        }
    }

    /// From its left upper corner.
    pub(crate) fn text(&mut self, left: usize, top: usize, text: &str, size: RasterHeight, colour: Colour) {
        let step = get_raster_width(FontWeight::Regular, size);
        for (place, letter) in text.chars().enumerate() {
            let letter = get_raster(letter, FontWeight::Regular, size)
                .or_else(|| get_raster('?', FontWeight::Regular, size));
            for (y, row) in letter.iter().flat_map(|letter| letter.rows().enumerate()) {
                for (x, &ink) in row.iter().enumerate() {
                    self.cover(left + place * step + x, top + y, colour, ink);
                }
            }
        }
    }

    /// The same, ending at this place.
    pub(crate) fn text_before(&mut self, right: usize, top: usize, text: &str, colour: Colour) {
        self.text(right.saturating_sub(width_of(text)), top, text, SMALL, colour);
    }

    /// The same, around this place.
    pub(crate) fn text_around(&mut self, middle: usize, top: usize, text: &str, colour: Colour) {
        self.text(middle.saturating_sub(width_of(text) / 2), top, text, SMALL, colour);
    }

    /// What is outside is not drawn.
    fn cover(&mut self, x: usize, y: usize, colour: Colour, ink: u8) {
        if x >= self.width || y >= self.height {
            return;
        }
        let at = (y * self.width + x) * 3;
        for (pixel, colour) in self.pixels[at..at + 3].iter_mut().zip(colour) {
            let (old, new, ink) = (u16::from(*pixel), u16::from(colour), u16::from(ink));
            *pixel = u8::try_from((old * (255 - ink) + new * ink) / 255).unwrap_or(u8::MAX);
        }
    }
}

fn width_of(text: &str) -> usize {
    text.chars().count() * get_raster_width(FontWeight::Regular, SMALL)
}
