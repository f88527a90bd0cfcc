//! Writes a page of many devices from the report of one: `cargo run --release -p dyno-report --example many_devices -- report.json 20 page.html`.
//!
//! Each cell is repeated under other names, with all its charts: how big such a page is, and how fast it is painted
//! (`node reports/dyno-report/examples/paint.mjs page.html`), is what a real campaign of as many devices would give.

use std::error::Error;
use std::fs;
use std::time::Instant;

use dyno_view::report::Report;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let from = arguments.next().ok_or("name a report.json")?;
    let n_devices: usize = arguments.next().ok_or("say how many devices")?.parse()?;
    let to = arguments.next().ok_or("name a file to write")?;
    let mut report: Report = serde_json::from_str(&fs::read_to_string(from)?)?;
    let cells = std::mem::take(&mut report.cells);
    let devices = std::mem::take(&mut report.devices);
    for place in 0..n_devices {
        let named = |name: &str| format!("{name}-{place:02}");
        report.cells.extend(cells.iter().cloned().map(|mut cell| {
            (cell.id, cell.device) = (named(&cell.id), named(&cell.device));
            cell
        }));
        report.devices.extend(devices.iter().cloned().map(|mut device| {
            device.id = named(&device.id);
            device
        }));
    }
    let started = Instant::now();
    let mut page = Vec::new();
    dyno_report::html::render(&report, &mut page)?;
    let n_charts: usize = report.cells.iter().map(|cell| cell.charts.len() + cell.timelines.len()).sum();
    let line = format!(
        "{} cells, {n_charts} charts, {:.2} MB, rendered in {} ms\n",
        report.cells.len(),
        page.len() as f64 / 1e6,
        started.elapsed().as_millis()
    );
    fs::write(to, page)?;
    std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes())?;
    Ok(())
}
