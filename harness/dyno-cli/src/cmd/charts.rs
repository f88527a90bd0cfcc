//! `charts`: every chart of a report as a file of its own.

use std::path::Path;

use dyno_report::picture::{Theme, pictures, png, standalone};

use super::report::{open, write_file};
use crate::args::{ChartTheme, ChartsArgs, Global};
use crate::exit::Exit;
use crate::output;
use crate::project::Project;
use crate::render_error::Failure;

/// Writes the files, and their names on stdout.
pub(crate) fn charts(global: &Global, args: &ChartsArgs) -> Result<Exit, Failure> {
    let campaign = open(&Project::find(global)?, args.campaign.as_deref())?;
    let report = dyno_analysis::report(&campaign)?;
    let theme = match args.theme {
        ChartTheme::Light => Theme::Light,
        ChartTheme::Dark => Theme::Dark,
    };
    let mut written = Vec::new();
    let is_wanted = |name: &str| args.only.as_ref().is_none_or(|text| name.contains(text.as_str()));
    for picture in pictures(&report).iter().filter(|of| is_wanted(&of.name)) {
        // A chart without a point is named in the report; there is nothing to draw.
        let Some(svg) = standalone(picture, theme, args.width) else { continue };
        if let Some(folder) = &args.svg {
            written.push(write(folder, &picture.name, "svg", svg.as_bytes())?);
        }
        if let Some(folder) = &args.png {
            let bytes = png(&svg).map_err(|error| Failure {
                exit: Exit::Lab,
                error: anyhow::Error::new(error).context(format!("cannot draw {}", picture.name)),
                hints: vec!["take --svg, or a smaller --width".to_owned()],
            })?;
            written.push(write(folder, &picture.name, "png", &bytes)?);
        }
    }
    if written.is_empty() {
        return Err(Failure::usage(
            format!("no chart of {} has anything to show", campaign.id()),
            "see what was measured: `edgedyno report`; or ask for another text with --only",
        ));
    }
    if global.json {
        let list = serde_json::json!({ "files": written });
        output::stdout(format!("{list}\n").as_bytes())?;
    } else {
        output::stdout(format!("{}\n", written.join("\n")).as_bytes())?;
    }
    Ok(Exit::Ok)
}

fn write(folder: &Path, name: &str, ending: &str, bytes: &[u8]) -> Result<String, Failure> {
    let path = folder.join(format!("{name}.{ending}"));
    write_file(&path, bytes)?;
    Ok(path.display().to_string())
}
