//! `completions` and `man`: pages made from the command line's own description.

use clap::CommandFactory as _;

use crate::args::Cli;
use crate::exit::Exit;
use crate::output;
use crate::render_error::Failure;

/// Prints the completion script of `shell`.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "edgedyno", &mut script);
    output::stdout(&script)?;
    Ok(Exit::Ok)
}

/// Prints the manual: the command and all its subcommands, one after the other.
pub(crate) fn man() -> Result<Exit, Failure> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    let mut commands = vec![command];
    while let Some(command) = commands.pop() {
        let subcommands: Vec<_> =
            command.get_subcommands().filter(|sub| sub.get_name() != "help").cloned().collect();
        commands.extend(subcommands.into_iter().rev());
        clap_mangen::Man::new(command).render(&mut page).map_err(|error| {
            Failure::io("cannot write the manual page", error, "check that there is room for it")
        })?;
    }
    output::stdout(&page)?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    /// The page holds `generated`, or is made to where UPDATE_GOLDEN is set.
    fn check(page: &str, generated: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(path.parent().expect("a page lies in a folder"))
                .expect("docs can be written");
            std::fs::write(&path, generated).expect("docs can be written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == generated, "docs/{page} is old: run `UPDATE_GOLDEN=1 cargo test` and read it");
    }

    fn section(page: &mut String, name: &str, command: &clap::Command) {
        let help = command.clone().term_width(100).render_long_help();
        write!(page, "\n## {name}\n\n```text\n{}\n```\n", help.to_string().trim_end())
            .expect("writing to a String cannot fail");
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            section(page, &format!("{name} {}", sub.get_name()), sub);
        }
    }

    #[test]
    fn command_line_reference_is_current() {
        let mut command = Cli::command();
        command.build();
        let mut page =
            String::from("# The command line\n\nGenerated from the command's own help; do not edit.\n");
        section(&mut page, "edgedyno", &command);
        check("cli.md", &page);
    }

    #[test]
    fn schemas_of_the_words_are_current() {
        for schema in dyno_plan::schemas() {
            let mut json = serde_json::to_string_pretty(&schema.schema).expect("a schema is JSON");
            json.push('\n');
            check(&format!("schemas/{}.schema.json", schema.name), &json);
        }
    }
}
