//! Charts as data: series and axes, no pixels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Chart {
    /// Name within its page, for anchors: `ttft-cdf`.
    pub id: String,
    /// What it shows, as a heading.
    pub title: String,
    /// How to read it, in a sentence.
    pub caption: String,
    /// How the series are drawn.
    pub form: ChartForm,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// The series, in the order of the legend.
    pub series: Vec<Series>,
    /// Vertical marks with a label (a run's begin, a limit).
    pub marks: Vec<Mark>,
}

/// How series are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChartForm {
    /// Points joined by straight lines.
    Line,
    /// A step function: empirical distributions.
    Step,
    /// Points only.
    Points,
    /// Points joined by straight lines, each with its dot: measured ones with nothing known in between.
    DottedLine,
    /// Points, with levels: a series of `n` 0 is no observation but a stretch of level, drawn as a line in the colour
    /// of the last series with observations.
    Levels,
    /// One row for each series, with its name: a dot between two bounds, which are the points `[low, place]`,
    /// `[value, place]` and `[high, place]` with `place` counted from the top; a series without points has no figure.
    Whiskers,
    /// Step functions with bands: a series of `n` 0 is no observation but half the height of the band around the series
    /// before it, as its one point `[0, height]`; the band ends at 0 and at 1, as shares do.
    StepBand,
    /// One row for each series, with its name: the points are `[value, place]`, in order, of the lower whisker, the
    /// lower end of the box, the line in it, its upper end and the upper whisker; then the smallest and the largest
    /// observation. A series without points has no figure.
    Boxes,
    /// How many points lie where, for more points than can be told apart: each series is a class of density, the densest
    /// last; its points are opposite corners of rectangles, two for each.
    Density,
    /// Points with bars in both directions: the points of a series are `[x, y]`, then the ends `[low, y]`, `[high, y]`,
    /// `[x, low]` and `[x, high]`; a series of `n` 0 is no observation but a line to hold them against.
    Crosses,
    /// One row for each series, with its name: a bar of parts, of which the points are the ends `[end, part]` from left
    /// to right; the part's name is the label of the mark whose `x` is `part`.
    Stacks,
}

/// One axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Axis {
    /// What it is.
    pub label: String,
    /// Unit of the data.
    pub unit: AxisUnit,
    /// Linear or logarithmic.
    pub scale: Scale,
}

/// Unit of the data on an axis; the renderer chooses a fitting multiple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AxisUnit {
    /// Nanoseconds.
    Ns,
    /// Bytes.
    Bytes,
    /// Tokens.
    Tokens,
    /// Tokens per second.
    TokensPerSecond,
    /// Requests per second.
    RequestsPerSecond,
    /// Millidegrees Celsius.
    Mdegc,
    /// Kilohertz.
    Khz,
    /// A share of 0 to 1.
    Ratio,
    /// Watts.
    Watts,
    /// A number without unit.
    Count,
}

/// Scale of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal steps.
    Linear,
    /// Equal ratios; data must be positive.
    Log,
}

/// One series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Points `[x, y]` in the axes' units, already reduced for drawing (at most a few thousand).
    pub points: Vec<[f64; 2]>,
    /// How many observations they stand for.
    pub n: u64,
}

/// A vertical mark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// Where, in the x axis' unit.
    pub x: f64,
    /// What.
    pub label: String,
}

/// Charts above each other over one horizontal axis, so that what happens at one time lies in one vertical line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PanelChart {
    /// Name within its page, for anchors.
    pub id: String,
    /// What it shows, as a heading.
    pub title: String,
    /// How to read it, in a sentence.
    pub caption: String,
    /// The one horizontal axis.
    pub x: Axis,
    /// From top to bottom.
    pub panels: Vec<Panel>,
    /// Vertical marks through all panels, with a label.
    pub marks: Vec<Mark>,
    /// Stretches of the horizontal axis behind all panels.
    pub shades: Vec<Shade>,
}

/// One chart of several above each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Panel {
    /// Its vertical axis.
    pub y: Axis,
    /// How its series are drawn: points with levels, lines, or steps.
    pub form: ChartForm,
    /// The series, in the order of the legend.
    pub series: Vec<Series>,
}

/// A stretch of the horizontal axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shade {
    /// From here
    pub from: f64,
    /// to here, in the x axis' unit.
    pub to: f64,
    /// What went on.
    pub label: String,
}
