//! Importing as people meet it: files of others in, a corpus or all problems out.

mod alike;
mod forms;
mod linting;
mod problems;
mod writing;

use dyno_prompts::{
    Columns, Corpus, Form, Handling, ImportError, Input, Meta, NEAR_DUPLICATE, Options, Report, import,
};

/// Options of a test: nothing is left out silently.
fn options() -> Options {
    Options {
        meta: Meta {
            name: "mine".to_owned(),
            title: "Mine".to_owned(),
            description: "For a test.".to_owned(),
            license: "CC0-1.0".to_owned(),
        },
        columns: Columns::default(),
        language: "und".to_owned(),
        category: "imported".to_owned(),
        near_limit: NEAR_DUPLICATE,
        personal: Handling::Remove,
        bad: Handling::Keep,
    }
}

/// Imports one file.
fn read(name: &str, bytes: &[u8], options: &Options) -> Result<(Corpus, Report), ImportError> {
    let form = Form::of(name, bytes).expect("a form that its name tells");
    import(&[Input::File { name: name.to_owned(), form, bytes: bytes.to_vec() }], options)
}

/// Imports one file that has no problem.
fn corpus(name: &str, text: &str) -> Corpus {
    match read(name, text.as_bytes(), &options()) {
        Ok((corpus, _)) => corpus,
        Err(error) => panic!("{name}: {error}"),
    }
}

/// The user's last words of each prompt.
fn asked(corpus: &Corpus) -> Vec<&str> {
    corpus
        .entries
        .iter()
        .map(|entry| entry.prompt.messages.last().expect("it asks").content.as_str())
        .collect()
}
