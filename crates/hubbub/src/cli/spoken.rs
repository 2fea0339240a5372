//! The command line in Chinese: its help, and what is wrong with it. In English `clap` speaks for itself.
//!
//! **Invariant.** The texts are looked up, never changed otherwise; a text without a twin stays English, and a test names
//! it.

use crate::words::{HELP, tell, translate};
use clap::{
    Arg, Command,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::error::Error as _;

/// The same command line, with its help in Chinese.
pub(super) fn in_chinese(mut command: Command) -> Command {
    // What `clap` adds by itself, such as --help, is there to be translated afterwards.
    command.build();
    each(command)
}

fn each(mut command: Command) -> Command {
    if let Some(about) = command.get_about().map(twin) {
        command = command.about(about);
    }
    if let Some(after) = command.get_after_help().map(twin) {
        command = command.after_help(after);
    }
    command.help_template(TEMPLATE).subcommand_help_heading("命令").mut_args(argument).mut_subcommands(each)
}

fn argument(mut arg: Arg) -> Arg {
    let heading = match arg.get_help_heading() {
        Some(heading) => twin_of(heading).unwrap_or(heading).to_owned(),
        None if arg.is_positional() => "参数".to_owned(),
        None => "选项".to_owned(),
    };
    let mut notes = Vec::new();
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !arg.is_hide_default_value_set() && arg.get_action().takes_values() && !defaults.is_empty() {
        notes.push(format!("默认 {}", defaults.join("、")));
    }
    let shows_possible = arg.get_action().takes_values() && !arg.is_hide_possible_values_set();
    let possible: Vec<String> = if shows_possible {
        arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect()
    } else {
        Vec::new()
    };
    if !possible.is_empty() {
        notes.push(format!("可用 {}", possible.join("、")));
    }
    let mut help = arg.get_help().map(twin).map(|help| help.to_string()).unwrap_or_default();
    if !notes.is_empty() {
        help = format!("{help}（{}）", notes.join("；"));
    }
    if !help.is_empty() {
        arg = arg.help(help);
    }
    arg.help_heading(intern(&heading)).hide_default_value(true).hide_possible_values(true)
}

/// What is wrong with the command line, and how it is used.
pub(super) fn complaint(error: &clap::Error) -> String {
    let part = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join("、")),
        Some(ContextValue::StyledStrs(texts)) => {
            Some(texts.iter().map(ToString::to_string).collect::<Vec<_>>().join("、"))
        }
        Some(ContextValue::StyledStr(text)) => Some(text.to_string()),
        _ => None,
    };
    let arg = part(ContextKind::InvalidArg).unwrap_or_default();
    let value = part(ContextKind::InvalidValue).unwrap_or_default();
    let name = ("name", &*arg);
    let mut lines = vec![match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let given = part(ContextKind::InvalidSubcommand).unwrap_or_default();
            tell("unrecognized subcommand '{name}'", &[("name", &given)])
        }
        ErrorKind::UnknownArgument => tell("unexpected argument '{name}'", &[name]),
        ErrorKind::InvalidValue if value.is_empty() => tell("a value is required for '{name}'", &[name]),
        ErrorKind::InvalidValue => tell("invalid value '{value}' for '{name}'", &[name, ("value", &value)]),
        ErrorKind::ValueValidation => {
            let why = error.source().map(ToString::to_string).unwrap_or_default();
            let parts = [name, ("value", &*value), ("why", &*why)];
            tell("invalid value '{value}' for '{name}': {why}", &parts)
        }
        ErrorKind::MissingRequiredArgument => tell("these are missing: {names}", &[("names", &arg)]),
        ErrorKind::MissingSubcommand => tell("a command is missing", &[]),
        ErrorKind::ArgumentConflict => {
            let others = part(ContextKind::PriorArg).unwrap_or_default();
            tell("'{name}' cannot be used with {others}", &[name, ("others", &others)])
        }
        ErrorKind::NoEquals => tell("write '{name}' with an equal sign, as --NAME=VALUE", &[name]),
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues => {
            tell("'{name}' was given more than once, or with too many values", &[name])
        }
        _ => translate(error.render().to_string().trim_start_matches("error: ").trim_end()).into_owned(),
    }];
    for (kind, gist, of) in [
        (ContextKind::ValidValue, "possible: {names}", "names"),
        (ContextKind::ValidSubcommand, "possible: {names}", "names"),
        (ContextKind::SuggestedSubcommand, "did you mean '{name}'?", "name"),
        (ContextKind::SuggestedArg, "did you mean '{name}'?", "name"),
        (ContextKind::SuggestedValue, "did you mean '{name}'?", "name"),
    ] {
        if let Some(text) = part(kind) {
            lines.push(format!("  {}", tell(gist, &[(of, &text)])));
        }
    }
    if let Some(usage) = part(ContextKind::Usage) {
        lines.push(format!("\n{}", usage.trim_end().replacen("Usage:", "用法：", 1)));
    }
    lines.push(format!("\n{}", tell("--help tells more", &[])));
    lines.join("\n")
}

fn twin(text: &StyledStr) -> StyledStr {
    let text = text.to_string();
    twin_of(&text).map_or_else(|| text.clone().into(), Into::into)
}

fn twin_of(text: &str) -> Option<&'static str> {
    HELP.iter().find(|(en, _)| *en == text).map(|(_, zh)| *zh)
}

/// A heading that lives as long as the program: there are three of them.
fn intern(heading: &str) -> &'static str {
    const HEADINGS: [&str; 3] = ["参数", "选项", "中枢与回答"];
    HEADINGS.into_iter().find(|known| *known == heading).unwrap_or("选项")
}

const TEMPLATE: &str = "{before-help}{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}\n";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// Every text of the help, as `clap` shows it.
    fn texts(command: &Command) -> Vec<String> {
        let own =
            [command.get_about(), command.get_after_help()].into_iter().flatten().map(ToString::to_string);
        let args = command.get_arguments();
        let args = args.flat_map(|arg| {
            let heading = arg.get_help_heading().map(str::to_owned);
            arg.get_help().map(ToString::to_string).into_iter().chain(heading)
        });
        let mut all: Vec<String> = own.chain(args).collect();
        all.extend(command.get_subcommands().flat_map(texts));
        all
    }

    #[test]
    fn every_text_of_the_help_has_its_twin() {
        let mut command = crate::cli::Cli::command();
        command.build();
        let mut missing: Vec<String> = texts(&command);
        missing.sort();
        missing.dedup();
        let unused: Vec<_> = HELP.iter().filter(|(en, _)| !missing.iter().any(|text| text == en)).collect();
        missing.retain(|text| twin_of(text).is_none());
        assert!(missing.is_empty(), "without a twin: {missing:#?}");
        assert!(unused.is_empty(), "nothing says: {unused:#?}");
    }

    #[test]
    fn the_command_line_is_as_sound_in_chinese() {
        let command = in_chinese(crate::cli::Cli::command());
        command.clone().debug_assert();
        let mut command = command;
        let user = command.find_subcommand_mut("user").unwrap().find_subcommand_mut("add").unwrap();
        let help = user.render_help().to_string();
        let unbroken: String = help.split_whitespace().collect();
        assert!(unbroken.contains("（默认member；可用owner、admin、member、device）"), "{help}");
        for wanted in ["用法：", "参数:", "选项:", "中枢与回答:"] {
            assert!(help.contains(wanted), "{wanted} in {help}");
        }
        assert!(
            !help.contains("[default") && !help.contains("Options:") && !help.contains("Print help"),
            "{help}"
        );
    }
}
