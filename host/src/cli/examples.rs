//! What `--help` ends with: for each command, what one types. A test has each of these lines understood.

use clap::Command;

/// What one who types `postern` and nothing else is told.
pub const FIRST_STEPS: &str = "\
Postern takes webhooks, keeps them, and gives them to clients; filters decide in between.

  postern run --dev     a gateway to try: needs no file, and prints what to type next
  postern check         whether ./postern.toml is right, and what is not
  postern run           serve it

`postern --help` lists all commands; `postern COMMAND --help` explains one, with examples.";

/// By command.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "",
        "  postern run --dev                              a gateway to try, with all it needs
  postern check && postern run                   serve ./postern.toml
  postern events ls --since 1h --held            what waits for a filter that can judge it
  postern status                                 how the gateway is",
    ),
    (
        "run",
        "  postern run --dev                              try it: no file needed
  postern run                                    serve ./postern.toml
  postern run -c /etc/postern/postern.toml --log postern=debug,info
  POSTERN_LIMITS__BODY=1MiB postern run          any key can come from the environment",
    ),
    (
        "check",
        "  postern check                                  ./postern.toml
  postern check -c new.toml && mv new.toml postern.toml && postern reload
                                                 before a change is taken up
  postern check --strict                         in a pipeline: warnings fail too
  postern check --json | jq -r '.problems[].message'",
    ),
    (
        "config",
        "  postern config                                 what is in force, by ./postern.toml
  postern config --changed                       only what is not a default
  POSTERN_LIMITS__BODY=1MiB postern config       with a key from the environment
  postern config --schema > postern.schema.json  for editors: begin postern.toml with the line
                                                 `#:schema ./postern.schema.json`",
    ),
    (
        "listen",
        "  postern listen wss://gw.example.com/ws --header 'Authorization: Bearer TOKEN'
  postern listen 'wss://localhost:8443/ws?token=postern-dev-token' --ca postern-data/tls/ca.pem --since last:5
  postern listen wss://gw.example.com/ws --cursor-file cursor --forward http://127.0.0.1:3000/events
                                                 each event to a local server, and on from there next time",
    ),
    (
        "send",
        "  postern send message.json --to https://gw.example.com/whatsapp --secret-file app-secret
  postern send a.json b.json --to https://localhost:8443/whatsapp --secret s --insecure --repeat 100 --rate 50/s
  jq -c . message.json | postern send - --to http://127.0.0.1:8080/whatsapp --secret s --fresh",
    ),
    (
        "status",
        "  postern status                                 the gateway of ./postern.toml
  postern status --admin http://127.0.0.1:9440 --json
  postern status -c /etc/postern/postern.toml",
    ),
    (
        "reload",
        "  postern check && postern reload                after ./postern.toml was changed
  postern reload --admin https://gw.example.com:9440 --token-file admin-token",
    ),
    (
        "pause",
        "  postern pause                                  providers send again what they got a 503 for
  postern pause --admin http://127.0.0.1:9440",
    ),
    (
        "resume",
        "  postern resume
  postern resume --admin http://127.0.0.1:9440",
    ),
    (
        "drain",
        "  postern drain                                  before this machine is taken away
  postern drain --admin http://127.0.0.1:9440",
    ),
    (
        "events ls",
        "  postern events ls --since 1h
  postern events ls --held --json | jq -r .id
  postern events ls --kind messages --key 15551234567 --admin http://127.0.0.1:9440",
    ),
    (
        "events show",
        "  postern events show 0000000000000042           what became of it, and what each filter said
  postern events show 0000000000000042 --raw | jq .",
    ),
    (
        "events replay",
        "  postern events replay 0000000000000042         once more, through the present filters
  postern events replay --since 2026-01-31T12:00:00Z --webhook whatsapp",
    ),
    (
        "events retry",
        "  postern events retry --all                     when the filter is mended
  postern events retry 0000000000000042 0000000000000043",
    ),
    (
        "events export",
        "  postern events export --since 1d -o events.jsonl
  postern events export --limit 100 | postern filter test filter.wasm -",
    ),
    (
        "filter new",
        "  postern filter new --lang python no-stops
  postern filter new --lang rust redact-more",
    ),
    (
        "filter build",
        "  postern filter build                           the one in this directory
  postern filter build filters/no-stops",
    ),
    (
        "filter test",
        "  postern filter test filter.wasm cases          what is in cases/*.toml
  postern filter test filter.wasm cases --update write what comes out into them
  postern filter test --fixtures                 the bodies that cases can name",
    ),
    (
        "filter inspect",
        "  postern filter inspect filter.wasm
  postern filter inspect builtin:redact --json",
    ),
    (
        "filter bench",
        "  postern filter bench filter.wasm
  postern filter bench old.wasm new.wasm message.json --time 5s",
    ),
    (
        "filter diff",
        "  postern filter diff old.wasm new.wasm --since 1d
  postern filter diff builtin:redact redact.wasm --name redact --limit 1000",
    ),
    (
        "filter push",
        "  postern filter push filter.wasm oci://ghcr.io/acme/no-stops:1.0 --username robot --password-file token
  postern filter push filter.wasm oci://127.0.0.1:5000/no-stops:1.0",
    ),
    (
        "completions",
        "  postern completions bash > /usr/share/bash-completion/completions/postern
  postern completions zsh > ~/.zfunc/_postern    with fpath+=~/.zfunc in ~/.zshrc, before compinit
  postern completions fish > ~/.config/fish/completions/postern.fish",
    ),
    (
        "man",
        "  postern man | man -l -                         read it
  postern man /usr/share/man/man1                install all pages",
    ),
];

/// Puts each command's examples under its help.
pub fn explained(command: Command) -> Command {
    EXAMPLES.iter().fold(command, |command, (path, examples)| {
        let words: Vec<&str> = path.split(' ').filter(|word| !word.is_empty()).collect();
        put(command, &words, &format!("Examples:\n{examples}"))
    })
}

fn put(command: Command, path: &[&str], text: &str) -> Command {
    match path {
        [] => command.after_long_help(text.to_owned()),
        [name, rest @ ..] => command.mut_subcommand(name, |command| put(command, rest, text)),
    }
}

#[cfg(test)]
mod tests;
