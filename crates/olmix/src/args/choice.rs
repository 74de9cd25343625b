//! Options whose values have names.

use clap::builder::{PossibleValuesParser, TypedValueParser};

/// The parser of an option that takes one of several named values: help and completions list the names,
/// and any other value is refused with the nearest name.
pub fn choice<T: Clone + Send + Sync + 'static>(
    choices: impl IntoIterator<Item = (&'static str, T)>,
) -> impl TypedValueParser<Value = T> {
    let choices: Vec<(&'static str, T)> = choices.into_iter().collect();
    let names = PossibleValuesParser::new(choices.iter().map(|(name, _)| *name));
    names.try_map(move |given| {
        let found = choices.iter().find(|(name, _)| *name == given);
        found.map(|(_, value)| value.clone()).ok_or("no such value")
    })
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command, CommandFactory};

    use super::*;
    use crate::args::Arguments;

    #[test]
    fn choice_gives_the_value_of_a_name_and_refuses_other_names_with_all_of_them() {
        let argument = Arg::new("n").value_parser(choice([("one", 1), ("three", 3)]));
        let command = Command::new("test").arg(argument);
        let parsed = command.clone().try_get_matches_from(["test", "three"]);
        assert_eq!(parsed.unwrap().get_one::<i32>("n"), Some(&3));
        let refused = command.try_get_matches_from(["test", "thre"]).unwrap_err();
        let message = refused.to_string();
        assert!(message.contains("one, three"), "{message}");
        assert!(
            message.contains("similar value exists: 'three'"),
            "{message}"
        );
    }

    #[test]
    fn options_with_named_values_list_them_for_help_and_completions() {
        let mut root = Arguments::command();
        root.build();
        for (path, option, value) in [
            ("fit", "preset", "regmix"),
            ("fit", "dead_domains", "hold"),
            ("compare", "presets", "unimax"),
            ("generate", "design", "v_optimal"),
            ("study", "question", "proxy-size"),
            ("study", "law", "saturating"),
            ("plan", "method", "auto"),
            ("export", "format", "megatron"),
            ("launch run", "engine", "slurm"),
        ] {
            let names = path.split(' ');
            let command = names.fold(&root, |command, name| {
                command.find_subcommand(name).unwrap()
            });
            let mut arguments = command.get_arguments();
            let argument = arguments.find(|argument| argument.get_id() == option);
            let values = argument.unwrap().get_possible_values();
            let listed = values.iter().any(|listed| listed.get_name() == value);
            assert!(listed, "{path} {option}: {values:?}");
        }
    }
}
