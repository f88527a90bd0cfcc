//! Renders a `report.json` in every format, to look at: `cargo run -p dyno-report --example render -- report.json DIR`.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use dyno_report::picture::{Theme, pictures, png, standalone};
use dyno_report::terminal::{ColorChoice, TerminalStyle};
use dyno_report::{html, markdown, terminal};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let from = arguments.next().ok_or("name a report.json")?;
    let dir = PathBuf::from(arguments.next().ok_or("name a folder to write to")?);
    let report = serde_json::from_str(&fs::read_to_string(from)?)?;
    let mut page = Vec::new();
    html::render(&report, &mut page)?;
    fs::write(dir.join("report.html"), page)?;
    fs::write(dir.join("report.md"), markdown::render(&report))?;
    for width in [60, 100, 160] {
        let text = terminal::render(&report, &TerminalStyle { width, color: ColorChoice::Never });
        fs::write(dir.join(format!("report.{width}.txt")), text)?;
    }
    for named in pictures(&report) {
        for (theme, ending) in [(Theme::Light, "png"), (Theme::Dark, "dark.png")] {
            let Some(svg) = standalone(&named, theme, 960) else { continue };
            fs::write(dir.join(format!("{}.{ending}", named.name)), png(&svg)?)?;
        }
    }
    Ok(())
}
