use super::*;

fn parse(text: &str) -> Document {
    Document::parse("c.yaml", text).unwrap()
}

fn error(text: &str) -> String {
    Document::parse("c.yaml", text).unwrap_err().to_string()
}

#[test]
fn yaml_values_are_read_with_their_types() {
    let document = parse("a: 1_000\nb: yes\nc: [x, 2]\nd: ~\ne: {k: '7'}\nf: \"null\"\n");
    let mut root = document.root().section().unwrap();
    assert_eq!(root.required("a").unwrap().whole().unwrap(), 1000);
    assert!(root.required("b").unwrap().boolean().unwrap());
    let items = root.required("c").unwrap().items().unwrap();
    assert_eq!(items[0].text().unwrap(), "x");
    assert_eq!(items[1].path(), "c[1]");
    assert!(root.optional("d").is_none());
    let entries = root.required("e").unwrap().entries().unwrap();
    assert_eq!(entries[0].0, "k");
    assert!((entries[0].1.number().unwrap() - 7.0).abs() < 1e-15);
    assert_eq!(root.required("f").unwrap().text().unwrap(), "null");
    root.finish().unwrap();
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
    let document = parse("known: 1\nsub:\n  regresion: 2\n");
    let mut root = document.root().section().unwrap();
    let mut sub = root.section("sub").unwrap();
    assert!(sub.optional("regression").is_none());
    assert_eq!(
        sub.finish().unwrap_err().to_string(),
        "c.yaml:3:3: unknown key `regresion` in `sub`\n  help: did you mean `regression`?"
    );
    let message = root.finish().unwrap_err().to_string();
    assert_eq!(
        message,
        "c.yaml:1:1: unknown key `known`\n  help: known keys here: `sub`"
    );
}

#[test]
fn a_missing_key_points_at_the_one_that_may_be_meant() {
    let document = parse("x: 1\nprior: 2\n");
    let mut root = document.root().section().unwrap();
    let message = root.required("priors").unwrap_err().to_string();
    assert_eq!(
        message,
        "c.yaml:2:1: `priors` is required and missing\n  help: should `prior` here be `priors`?"
    );
    let message = root.required("swarm").unwrap_err().to_string();
    assert!(message.starts_with("c.yaml:1:1: `swarm` is required"));
}

#[test]
fn a_wrong_type_says_what_was_found() {
    let document = parse("a:\n  b: hello\n  c: [1]\n");
    let mut root = document.root().section().unwrap();
    let mut a = root.section("a").unwrap();
    let b = a.required("b").unwrap();
    for (message, what) in [
        (b.number().unwrap_err(), "a number"),
        (
            b.whole().unwrap_err(),
            "a whole number that is not negative",
        ),
        (b.boolean().unwrap_err(), "true or false"),
        (b.items().unwrap_err(), "a list"),
        (b.section().unwrap_err(), "a mapping"),
    ] {
        let expected = format!("c.yaml:2:6: `a.b` must be {what}, found `hello`");
        assert!(message.to_string().starts_with(&expected), "{message}");
    }
    let message = a.required("c").unwrap().number().unwrap_err().to_string();
    assert!(message.contains("`a.c` must be a number, found a list"));
    let message = b.choice(&[("hallo", 1)]).unwrap_err().to_string();
    assert!(message.contains("did you mean `hallo`?"), "{message}");
}

#[test]
fn broken_yaml_is_refused_with_its_place() {
    for (text, expected) in [
        ("a: 1\nb: 2\na: 3\n", "c.yaml:3:1: the key `a` occurs twice"),
        ("a: [1, 2\n", "not valid YAML"),
        ("a: 'x\n", "not valid YAML"),
        ("a: 1\n---\nb: 2\n", "c.yaml:2:1: a second YAML document"),
        ("? [a]\n: 1\n", "where a key is expected"),
        ("a: *b\n", "not valid YAML"),
        ("a: &a [*a]\n", "an alias stands inside the value"),
        ("a: 1\nb:\n  <<: 1\n", "`<<` must refer to a mapping"),
    ] {
        let message = error(text);
        assert!(message.contains(expected), "{text:?} gives {message}");
    }
}

#[test]
fn aliases_and_merge_keys_are_followed() {
    let document = parse("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n");
    let root = document.root().entries().unwrap();
    let read = |value: &Value<'_>| -> Vec<(String, u64)> {
        let entries = value.entries().unwrap();
        let entry = |(key, value): &(&str, Value<'_>)| ((*key).to_owned(), value.whole().unwrap());
        entries.iter().map(entry).collect()
    };
    assert_eq!(read(&root[1].1), [("y".to_owned(), 3), ("x".to_owned(), 1)]);
    assert_eq!(read(&root[2].1), [("x".to_owned(), 1), ("y".to_owned(), 2)]);
}

#[test]
fn yaml_nested_too_deep_or_too_large_is_refused() {
    for open in ["[", "{a: ", "- ", "? "] {
        let message = error(&open.repeat(100_000));
        assert!(message.starts_with("c.yaml:"), "{message}");
    }
    let laughs = "a: &a [1,1]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n";
    assert!(Document::parse("c.yaml", laughs).is_ok());
    let message = error(&"- 1\n".repeat(MAX_NODES + 1));
    assert!(message.contains("more than 1000000 values"), "{message}");
}

/// Texts of all values in a document, those of keys left out, with line and column.
fn scalars(value: &Value<'_>, into: &mut Vec<(String, u64, u64)>) {
    if let Ok(items) = value.items() {
        items.iter().for_each(|item| scalars(item, into));
    } else if let Ok(entries) = value.entries() {
        entries.iter().for_each(|(_, value)| scalars(value, into));
    } else if let Location::Position { line, column } = value.location() {
        into.push((value.text().unwrap_or("~").to_owned(), line, column));
    }
}

#[test]
fn brackets_and_quotes_need_no_indentation_and_positions_stay_those_of_the_file() {
    for (text, expected) in [
        (
            "filtering:\n  drop: [\"a\",\n    \"b\"\n  ]\n  x: {}\n",
            vec![("a", 2, 10), ("b", 3, 5)],
        ),
        (
            "a:\n  b: [\nx,\ny\n]\n  c: z\n",
            vec![("x", 3, 1), ("y", 4, 1), ("z", 6, 6)],
        ),
        (
            "- {a: 1,\nb: {\nc: 2}}\n- 3\n",
            vec![("1", 1, 7), ("2", 3, 4), ("3", 4, 3)],
        ),
        (
            "a:\n  b: 'x\ny'\n  c: z\n",
            vec![("x y", 2, 6), ("z", 4, 6)],
        ),
        (
            "a: [é, [\n'ß', x]]#c\nb: 2\n",
            vec![("é", 1, 5), ("ß", 2, 1), ("x", 2, 6), ("2", 3, 4)],
        ),
        ("a: [1]#c\nb: \"2\"#d [\n", vec![("1", 1, 5), ("2", 2, 4)]),
        ("a: [-, {y:[2]}]\n", vec![("-", 1, 5), ("2", 1, 12)]),
        (
            "foo: \"bar\n\tbaz\"\nx: 1\n",
            vec![("bar baz", 1, 6), ("1", 3, 4)],
        ),
        ("a:\n|\n  x\nb: 1\n", vec![("x\n", 3, 3), ("1", 4, 4)]),
        // What looks like brackets inside texts is text.
        ("a: |\n  [x\n]\n", vec![]),
        (
            "a: >\n  [x\nb: it's [y\nc: [\n1]\n",
            vec![("[x\n", 2, 3), ("it's [y", 3, 4), ("1", 5, 1)],
        ),
    ] {
        let parsed = Document::parse("c.yaml", text);
        if expected.is_empty() {
            assert!(parsed.is_err(), "{text:?}");
            continue;
        }
        let mut found = Vec::new();
        scalars(&parsed.unwrap().root(), &mut found);
        let expected = expected
            .into_iter()
            .map(|(text, line, column)| (text.to_owned(), line, column));
        assert_eq!(found, expected.collect::<Vec<_>>(), "{text:?}");
    }
}

#[test]
fn of_two_merge_keys_the_later_counts_and_of_a_list_in_one_the_first() {
    let text = "a: &a {x: 1}\nb: &b {x: 2}\nc:\n  <<: *a\n  <<: *b\nd: {<<: [*a, *b]}\n";
    let document = parse(text);
    let root = document.root().entries().unwrap();
    let x = |entry: usize| root[entry].1.entries().unwrap()[0].1.whole().unwrap();
    assert_eq!((x(2), x(3)), (2, 1));
}

#[test]
fn an_empty_yaml_file_holds_null() {
    for text in ["", "# nothing\n", "---\n"] {
        assert!(parse(text).root().is_null(), "{text:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_stops_the_reader_of_yaml(text in "[-\\[\\]{},:?&*!|>'\"%#ab0é \\n\\r\\t\\\\.]{0,80}") {
        // Either way, with a place where it is an error.
        if let Err(error) = Document::parse("c.yaml", &text) {
            proptest::prop_assert!(error.to_string().starts_with("c.yaml:"), "{error}");
        }
    }
}
