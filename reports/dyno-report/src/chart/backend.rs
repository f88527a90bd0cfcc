//! A drawing backend for plotters that writes SVG with classes instead of colours.
//!
//! plotters knows only colours, so each [`Ink`] has a code colour that this backend turns into its class.
//! Coordinates are whole numbers of [`UNITS`] per pixel of the design.

use std::convert::Infallible;
use std::fmt::{self, Display, Formatter, Write as _};

use plotters::style::RGBColor;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

/// Units of the `viewBox` in one pixel of the design: plotters rounds to whole units, and quarters of a pixel are not seen.
pub(crate) const UNITS: u32 = 4;

/// What something is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// A series by its colour.
    Series(u8),
    /// The same with its number among the chart's series, from 1, for the page's script; 0 is none.
    Numbered(u8, u8),
    /// Something to hold a series against, with its number as of a series.
    Reference(u8),
    /// The band around a series, by the colour of that.
    Band(u8),
    /// A class of density, the densest last.
    Density(u8),
    /// Grid lines at labelled ticks.
    Grid,
    /// Grid lines between them.
    Minor,
    /// Axis lines.
    Axis,
    /// Tick labels.
    Label,
    /// Axis titles.
    Title,
    /// Vertical marks and their labels.
    Mark,
    /// Stretches of an axis, behind all else.
    Shade,
}

impl Ink {
    /// The code colour that plotters is given.
    pub(super) fn colour(self) -> RGBColor {
        match self {
            Self::Series(n) => RGBColor(0, n, 0),
            Self::Numbered(n, number) => RGBColor(0, n, number),
            Self::Reference(number) => RGBColor(6, 1, number),
            Self::Band(n) => RGBColor(8, n, 0),
            Self::Density(n) => RGBColor(9, n, 0),
            Self::Grid => RGBColor(1, 0, 0),
            Self::Minor => RGBColor(2, 0, 0),
            Self::Axis => RGBColor(3, 0, 0),
            Self::Label => RGBColor(4, 0, 0),
            Self::Title => RGBColor(5, 0, 0),
            Self::Mark => RGBColor(6, 0, 0),
            Self::Shade => RGBColor(7, 0, 0),
        }
    }

    fn of(colour: BackendColor) -> Self {
        match colour.rgb {
            (1, ..) => Self::Grid,
            (2, ..) => Self::Minor,
            (3, ..) => Self::Axis,
            (4, ..) => Self::Label,
            (5, ..) => Self::Title,
            (6, 1, number) => Self::Reference(number),
            (6, ..) => Self::Mark,
            (7, ..) => Self::Shade,
            (8, n, _) => Self::Band(n),
            (9, n, _) => Self::Density(n),
            (_, n, number) => Self::Numbered(n, number),
        }
    }

    fn class(self) -> String {
        match self {
            Self::Series(n) | Self::Numbered(n, _) => format!("s{n}"),
            Self::Band(n) => format!("s{n} band"),
            Self::Density(n) => format!("density d{n}"),
            Self::Grid => "grid".to_owned(),
            Self::Minor => "minor".to_owned(),
            Self::Axis => "axis".to_owned(),
            Self::Label => "label".to_owned(),
            Self::Title => "title".to_owned(),
            Self::Mark | Self::Reference(_) => "mark".to_owned(),
            Self::Shade => "shade".to_owned(),
        }
    }

    /// An attribute that says which series a path belongs to.
    fn number(self) -> String {
        match self {
            Self::Numbered(_, number @ 1..) | Self::Reference(number @ 1..) => {
                format!(" data-s=\"{number}\"")
            }
            Self::Numbered(..)
            | Self::Reference(_)
            | Self::Series(_)
            | Self::Band(_)
            | Self::Density(_)
            | Self::Grid
            | Self::Minor
            | Self::Axis
            | Self::Label
            | Self::Title
            | Self::Mark
            | Self::Shade => String::new(),
        }
    }
}

/// One SVG in the making: the content between `<svg>` and `</svg>`.
pub(super) struct ClassSvg<'a> {
    out: &'a mut String,
    size: (u32, u32),
    /// Centre of the last dot.
    last_dot: BackendCoord,
}

/// Two numbers of a path; a minus sign parts them by itself.
struct Step(i32, i32);

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let gap = if self.1 < 0 { "" } else { " " };
        write!(f, "{}{gap}{}", self.0, self.1)
    }
}

impl<'a> ClassSvg<'a> {
    /// Draws into `out`; `size` is in units of the `viewBox`.
    pub(super) fn new(out: &'a mut String, size: (u32, u32)) -> Self {
        Self { out, size, last_dot: (0, 0) }
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.write_fmt(text).expect("writing to a String cannot fail");
    }

    fn path(&mut self, points: impl IntoIterator<Item = BackendCoord>, ink: Ink) {
        self.push(format_args!("<path class=\"{} line\"{} d=\"", ink.class(), ink.number()));
        self.steps(points);
        self.push(format_args!("\"/>\n"));
    }

    fn steps(&mut self, points: impl IntoIterator<Item = BackendCoord>) {
        let mut last: Option<BackendCoord> = None;
        for (x, y) in points {
            // Relative steps are shorter; a repeated point draws nothing.
            match last {
                None => self.push(format_args!("M{x} {y}")),
                Some(before) if before == (x, y) => {}
                Some((x0, y0)) if y0 == y => self.push(format_args!("h{}", x - x0)),
                Some((x0, y0)) if x0 == x => self.push(format_args!("v{}", y - y0)),
                Some((x0, y0)) => self.push(format_args!("l{}", Step(x - x0, y - y0))),
            }
            last = Some((x, y));
        }
    }
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for ClassSvg<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Drawn {
        self.path([point, (point.0 + 1, point.1)], Ink::of(colour));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.path([from, to], Ink::of(style.color()));
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.path(path, Ink::of(style.color()));
        Ok(())
    }

    /// Only filled ones are drawn.
    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        _: bool,
    ) -> Drawn {
        let class = Ink::of(style.color()).class();
        let (left, right) = (left.min(right), left.max(right));
        let (width, height) = (right - left, (bottom - top).abs());
        let top = top.min(bottom);
        self.push(format_args!(
            "<path class=\"{class} fill\" d=\"M{left} {top}h{width}v{height}h-{width}z\"/>\n"
        ));
        Ok(())
    }

    /// Circles that follow each other in one ink become one path of dots.
    fn draw_circle<S: BackendStyle>(&mut self, centre: BackendCoord, _: u32, style: &S, _: bool) -> Drawn {
        let ink = Ink::of(style.color());
        let open = format!("<path class=\"{} dots\"{} d=\"", ink.class(), ink.number());
        let end = "\"/>\n";
        let last_element = self.out.rfind('<').unwrap_or(0);
        if self.out[last_element..].starts_with(&open) && self.out.ends_with(end) {
            self.out.truncate(self.out.len() - end.len());
            let (x, y) = (centre.0 - self.last_dot.0, centre.1 - self.last_dot.1);
            self.push(format_args!("m{}h0{end}", Step(x, y)));
        } else {
            self.out.push_str(&open);
            self.push(format_args!("M{} {}h0{end}", centre.0, centre.1));
        }
        self.last_dot = centre;
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        let class = Ink::of(style.color()).class();
        self.push(format_args!("<path class=\"{class} fill\" d=\""));
        self.steps(corners);
        self.push(format_args!("z\"/>\n"));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        let dy = match style.anchor().v_pos {
            VPos::Top => ".76em",
            VPos::Center => ".35em",
            VPos::Bottom => "-.3em",
        };
        let class = Ink::of(style.color()).class();
        self.push(format_args!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" dy=\"{dy}\" text-anchor=\"{anchor}\">{}</text>\n",
            escaped(text)
        ));
        Ok(())
    }

    /// Widths are taken at 0.55 em a character, that of a common sans-serif's digits.
    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok(((text.chars().count() as f64 * style.size() * 0.55) as u32, style.size() as u32))
    }
}

/// Text for XML content and quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            other => out.push(other),
        }
    }
    out
}
