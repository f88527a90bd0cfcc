//! Bands around distribution functions.

use dyno_view::chart::{Chart, ChartForm, Series};
use plotters::prelude::Polygon;

use super::axis::AxisPlan;
use super::backend::Ink;
use super::draw::{Drawn, Plot, WIDTH, colours};
use super::reduce::{outline, steps};

/// The bands of distribution functions, behind all lines.
pub(super) fn draw(plot: &mut Plot<'_, '_>, chart: &Chart, x: &AxisPlan, y: &AxisPlan) -> Drawn {
    if chart.form != ChartForm::StepBand {
        return Ok(());
    }
    let coloured: Vec<(&Series, usize)> = chart.series.iter().zip(colours(chart)).collect();
    for pair in coloured.windows(2) {
        let ((series, colour), (band, _)) = (pair[0], pair[1]);
        let height = band.points.first().map(|point| point[1]).filter(|height| height.is_finite());
        let (0, Some(height)) = (band.n, height) else { continue };
        let edges = corners(series, height, x, y);
        let shape = Polygon::new(edges, Ink::Band(colour as u8).colour());
        plot.draw_series(std::iter::once(shape))?;
    }
    Ok(())
}

/// The upper edge from left to right, then the lower one back; before its first and after its last observation a
/// distribution function is 0 and 1.
fn corners(series: &Series, height: f64, x: &AxisPlan, y: &AxisPlan) -> Vec<(f64, f64)> {
    let placed = series.points.iter().filter_map(|point| Some((x.position(point[0])?, point[1])));
    let placed: Vec<(f64, f64)> = placed.filter(|(_, share)| share.is_finite()).collect();
    let Some(&(_, last)) = placed.last() else { return Vec::new() };
    let all: Vec<(f64, f64)> = [(x.low, 0.0)].into_iter().chain(placed).chain([(x.high, last)]).collect();
    let corners = outline(&steps(&all), (x.low, x.high), WIDTH as usize);
    let edge = |at: f64, share: f64| Some((at, y.position(share.clamp(0.0, 1.0))?));
    let upper = corners.iter().filter_map(|&(at, share)| edge(at, share + height));
    let lower = corners.iter().rev().filter_map(|&(at, share)| edge(at, share - height));
    upper.chain(lower).collect()
}

#[cfg(test)]
mod tests {
    use dyno_view::chart::{Axis, AxisUnit, Scale};

    use crate::chart::svg;

    use super::*;

    fn chart(height: f64) -> Chart {
        let axis = |unit| Axis { label: "TTFT".to_owned(), unit, scale: Scale::Linear };
        let series =
            |name: &str, points: &[[f64; 2]], n| Series { name: name.to_owned(), points: points.to_vec(), n };
        Chart {
            id: "c".to_owned(),
            title: "T".to_owned(),
            caption: "C".to_owned(),
            form: ChartForm::StepBand,
            x: axis(AxisUnit::Ns),
            y: axis(AxisUnit::Ratio),
            series: vec![
                series("run 0", &[[1e6, 0.25], [2e6, 0.5], [4e6, 1.0]], 3),
                series("run 1", &[[1e6, 0.5], [3e6, 1.0]], 2),
                series("95 % band", &[[0.0, height]], 0),
            ],
            marks: Vec::new(),
        }
    }

    #[test]
    fn a_band_lies_around_the_series_before_it_and_within_0_and_1() {
        let picture = svg(&chart(0.2), "c").expect("points");
        let band: Vec<&str> = picture.lines().filter(|line| line.contains("band")).collect();
        assert_eq!(band.len(), 2, "one shape, and its name for the script: {band:?}");
        assert!(picture.contains("class=\"s1 band fill\""), "of the second series' colour");
        assert_eq!(picture.matches(" line\" data-s").count(), 2, "a line for each series, none for the band");
        let texts: Vec<&str> =
            ["0", "20", "100"].into_iter().filter(|tick| !picture.contains(&format!(">{tick}<"))).collect();
        assert!(texts.is_empty(), "the axis is that of shares: {texts:?}");
        assert!(!picture.contains(">120<"), "a band ends at 1");
    }

    #[test]
    fn a_band_without_a_height_is_not_drawn() {
        let picture = svg(&chart(f64::NAN), "c").expect("points");
        assert!(!picture.contains("band fill"));
    }

    #[test]
    fn corners_go_up_from_left_to_right_and_back_below() {
        let axis = |unit| Axis { label: String::new(), unit, scale: Scale::Linear };
        let x = AxisPlan::of(&axis(AxisUnit::Count), super::super::axis::Direction::Horizontal, 0.0, 10.0);
        let y = AxisPlan::of(&axis(AxisUnit::Ratio), super::super::axis::Direction::Vertical, 0.0, 1.0);
        let series = Series { name: String::new(), points: vec![[2.0, 0.5], [6.0, 1.0]], n: 2 };
        let found = corners(&series, 0.1, &x, &y);
        // By hand, in per cent: 10 up to the first observation, 60 to the second, then 100; below 90, 40, 0.
        let shares: Vec<f64> = found.iter().map(|(_, share)| share.round()).collect();
        assert_eq!(
            shares,
            [10.0, 10.0, 60.0, 60.0, 100.0, 100.0, 100.0, 90.0, 90.0, 90.0, 40.0, 40.0, 0.0, 0.0]
        );
    }
}
