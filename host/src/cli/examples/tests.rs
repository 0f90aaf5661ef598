use super::EXAMPLES;
use crate::cli::command;
use clap::Command;
use std::path::Path;

/// The words of a command line, as a shell takes them apart, up to what it does with the output; and none of the remarks that
/// stand two spaces apart.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    let line = line.trim_start();
    for (at, letter) in line.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted && line[at..].starts_with("  ") => break,
            ' ' if !quoted => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            '|' | '>' | '&' if !quoted => break,
            letter => word.push(letter),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// The commands of a line, from each `postern` on.
fn commands(line: &str) -> Vec<Vec<String>> {
    let line = line.replace(" && ", "\n").replace(" | ", "\n");
    let of = |part: &str| {
        let words = words(part);
        let first = words.iter().position(|word| word == "postern")?;
        Some(words[first..].to_vec())
    };
    line.lines().filter_map(of).collect()
}

#[test]
fn every_example_is_a_command_line_that_is_understood() {
    let mut count = 0;
    for (path, examples) in EXAMPLES {
        for line in examples.lines() {
            for words in commands(line) {
                // Only to read it: files need not be there.
                let read = command().try_get_matches_from(&words);
                assert!(read.is_ok(), "`{path}`: {words:?}: {}", read.err().map(|e| e.to_string()).unwrap_or_default());
                count += 1;
            }
        }
    }
    assert!(count > 50, "{count}");
}

/// All commands that do something, by their whole names.
fn leaves(command: &Command, path: &str, found: &mut Vec<String>) {
    let below = command.get_subcommands().filter(|below| below.get_name() != "help");
    for below in below {
        let path = format!("{path} {}", below.get_name()).trim().to_owned();
        if below.has_subcommands() {
            leaves(below, &path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn every_command_has_two_examples_at_least_and_the_first_are_its_own() {
    let mut found = Vec::new();
    leaves(&command(), "", &mut found);
    for name in found {
        let examples = EXAMPLES.iter().find(|(path, _)| *path == name);
        let (_, text) = examples.unwrap_or_else(|| panic!("`{name}` has no examples"));
        let own = text.lines().flat_map(commands).filter(|words| words.join(" ").contains(&format!("postern {name}")));
        assert!(own.count() >= 2, "`{name}` has fewer than two");
    }
}

/// `UPDATE_HELP=1 cargo test -p postern --lib help` writes them anew; what has changed is then in the difference.
#[test]
fn the_help_of_all_commands_is_as_it_was_read_and_approved() {
    let mut told = String::new();
    write(&mut command().bin_name("postern"), "postern", &mut told);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/examples/help.txt");
    if std::env::var_os("UPDATE_HELP").is_some() {
        std::fs::write(&file, &told).expect("the sources can be written");
    }
    let approved = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = told.lines().zip(approved.lines()).find(|(told, approved)| told != approved);
    assert!(told == approved, "UPDATE_HELP=1 writes `{}` anew; the first difference: {differs:?}", file.display());
}

fn write(command: &mut Command, name: &str, told: &mut String) {
    told.push_str(&format!("==== {name}\n{}\n", command.render_long_help()));
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    for below in names.iter().filter(|below| *below != "help") {
        let name = format!("{name} {below}");
        if let Some(below) = command.find_subcommand_mut(below) {
            let mut below = below.clone().bin_name(&name);
            write(&mut below, &name, told);
        }
    }
}
