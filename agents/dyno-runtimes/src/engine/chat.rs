//! The model's own chat template.

use dyno_model::request::Message;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, State, Value, context};

use super::error::EngineError;

/// What templates get when they ask for the date: a prompt must not change with the day on which it is measured.
/// The date is the one that Llama's own templates fall back to.
const DATE: [(&str, &str); 7] =
    [("%d", "26"), ("%b", "Jul"), ("%B", "July"), ("%Y", "2024"), ("%m", "07"), ("%H", "00"), ("%M", "00")];

/// A chat template, or none.
pub(crate) struct ChatTemplate {
    source: Option<String>,
    bos: String,
    eos: String,
}

impl ChatTemplate {
    /// Takes the template of a model; without one, messages are put one after the other as they are.
    ///
    /// # Errors
    /// When it is not valid Jinja.
    pub(crate) fn new(source: Option<&str>, bos: String, eos: String) -> Result<Self, EngineError> {
        let template = Self { source: source.map(str::to_owned), bos, eos };
        if let Some(source) = source {
            environment().template_from_str(source).map_err(|source| EngineError::Template { source })?;
        }
        Ok(template)
    }

    /// Whether the model brings one.
    pub(crate) fn is_own(&self) -> bool {
        self.source.is_some()
    }

    /// The prompt of a conversation, up to where the model answers.
    pub(crate) fn apply(&self, messages: &[Message]) -> Result<String, EngineError> {
        let Some(source) = &self.source else {
            let texts: Vec<&str> = messages.iter().map(|message| message.content.as_str()).collect();
            return Ok(texts.join("\n\n"));
        };
        let message = |message: &Message| context! { role => message.role.as_str(), content => message.content.as_str() };
        let ctx = context! {
            messages => messages.iter().map(message).collect::<Vec<Value>>(),
            add_generation_prompt => true,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
        };
        environment().render_str(source, ctx).map_err(|source| EngineError::Template { source })
    }
}

/// An environment as Hugging Face's chat templates expect it.
fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    env.set_syntax(syntax.expect("the usual delimiters are valid"));
    env.set_unknown_method_callback(method);
    env.add_function("raise_exception", |message: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    env.add_function("strftime_now", |format: String| {
        DATE.iter().fold(format, |text, (field, value)| text.replace(field, value))
    });
    env
}

/// Python's methods of texts and maps that templates use.
fn method(_state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let unknown = || Error::from(ErrorKind::UnknownMethod);
    let words: Vec<&str> = args.iter().filter_map(Value::as_str).collect();
    if let Some(text) = value.as_str() {
        return text_method(text, name, &words).ok_or_else(unknown);
    }
    match (name, args) {
        ("get", [key, rest @ ..]) => {
            let found = value.get_item(key)?;
            let default = rest.first().cloned().unwrap_or(Value::from(()));
            Ok(if found.is_undefined() { default } else { found })
        }
        ("keys", []) => Ok(value.try_iter()?.collect()),
        ("items", []) => {
            let pairs: Result<Vec<Value>, Error> = value
                .try_iter()?
                .map(|key| Ok(Value::from(vec![key.clone(), value.get_item(&key)?])))
                .collect();
            pairs.map(Value::from)
        }
        _ => Err(unknown()),
    }
}

fn text_method(text: &str, name: &str, args: &[&str]) -> Option<Value> {
    let set = |c: char| match args.first() {
        Some(set) => set.contains(c),
        None => c.is_whitespace(),
    };
    Some(match (name, args) {
        ("strip", _) => Value::from(text.trim_matches(set)),
        ("lstrip", _) => Value::from(text.trim_start_matches(set)),
        ("rstrip", _) => Value::from(text.trim_end_matches(set)),
        ("upper", []) => Value::from(text.to_uppercase()),
        ("lower", []) => Value::from(text.to_lowercase()),
        ("title" | "capitalize", []) => {
            let mut chars = text.chars();
            let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
            Value::from(first + &chars.as_str().to_lowercase())
        }
        ("startswith", [start]) => Value::from(text.starts_with(start)),
        ("endswith", [end]) => Value::from(text.ends_with(end)),
        ("replace", [from, to]) => Value::from(text.replace(from, to)),
        ("split", [at]) => text.split(at).map(Value::from).collect(),
        ("split", []) => text.split_whitespace().map(Value::from).collect(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str) -> Result<String, EngineError> {
        let template = ChatTemplate::new(Some(source), "<s>".to_owned(), "</s>".to_owned())?;
        let message =
            |role: &str, content: &str| Message { role: role.to_owned(), content: content.to_owned() };
        template.apply(&[message("system", " Be brief. "), message("user", "Hi")])
    }

    fn check(source: &str, expected: &str) {
        assert_eq!(render(source).expect("the template is valid"), expected, "{source}");
    }

    #[test]
    fn templates_see_what_hugging_face_gives_them() {
        check(
            "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}]{{ m.content }}{% endfor %}",
            "<s>[system] Be brief. [user]Hi",
        );
        check("{% if add_generation_prompt %}\n  A{{ eos_token }}\n{% endif %}", "  A</s>\n");
        check("{{ messages[0].content.strip() | upper }}", "BE BRIEF.");
        check("{{ messages[0]['content'].strip(' .').split(' ')[1] }}", "brief");
        check("{{ messages[1].get('name', 'none') }}{{ messages[-1].role.startswith('us') }}", "noneTrue");
        check("{{ messages[1].content | tojson }}", "\"Hi\"");
        check("{{ strftime_now('%d %b %Y') }}", "26 Jul 2024");
        check(
            "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ loop.index }}{% endfor %}",
            "2",
        );
    }

    #[test]
    fn a_template_may_refuse_and_says_why() {
        let error = render("{{ raise_exception('no system role') }}").expect_err("it refuses");
        let source = std::error::Error::source(&error).expect("the cause is kept");
        assert!(source.to_string().contains("no system role"), "{source}");
        assert!(render("{% for %}").is_err());
    }

    #[test]
    fn without_a_template_texts_follow_each_other() {
        let template =
            ChatTemplate::new(None, String::new(), String::new()).expect("there is nothing to check");
        let message = |content: &str| Message { role: "user".to_owned(), content: content.to_owned() };
        assert_eq!(template.apply(&[message("a"), message("b")]).expect("nothing to fail"), "a\n\nb");
    }
}
