//! The directory: what stands in the way of opening it, and what is told then.

use super::*;

fn refused(config: &Config) -> Error {
    Journal::open(config).err().expect("it cannot be opened")
}

#[test]
fn a_journal_of_another_format_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = config(directory.path(), &["a"]);
    drop(open_with(&config));
    let set = |text: &str| std::fs::write(directory.path().join("FORMAT"), text).expect("writable");
    set("postern journal 3\n");
    let error = refused(&config);
    assert!(matches!(&error, Error::Format(path, number) if path == directory.path() && number == "3"), "{error}");
    let text = error.to_string();
    assert!(text.contains(&*directory.path().to_string_lossy()) && text.contains("format 3"), "{text}");
    set("postern journal 2\n");
    assert_eq!(open_with(&config).boot(), 2, "the refused start left no trace");
}

#[test]
fn a_directory_of_somebody_elses_is_refused_and_an_empty_one_is_furnished() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = config(directory.path(), &["a"]);
    assert_eq!(open_with(&config).boot(), 1);
    let other = tempfile::tempdir().expect("a directory");
    std::fs::write(other.path().join("letter.txt"), "dear").expect("writable");
    let error = refused(&Config { directory: other.path().to_owned(), ..config });
    assert!(matches!(&error, Error::Foreign(path) if path == other.path()), "{error}");
    assert!(error.to_string().contains("\nhint: "), "{error}");
    assert_eq!(std::fs::read_dir(other.path()).expect("readable").count(), 1, "nothing was put there");
}

#[test]
fn a_directory_in_use_is_refused_by_its_name_until_the_last_handle_goes() {
    let directory = tempfile::tempdir().expect("a directory");
    let below = directory.path().join("x").join("data");
    let config = config(&below, &["a"]);
    let journal = open_with(&config);
    let error = refused(&config);
    assert!(matches!(&error, Error::InUse(path) if *path == below), "{error}");
    assert!(error.to_string().contains(&format!("`{}`", below.display())), "{error}");
    append(&journal, &lane(&journal, "a"), &["still writable"]);
    drop(journal);
    assert_eq!(open_with(&config).boot(), 2);
}

#[test]
fn a_directory_that_cannot_be_made_is_told_with_its_cause() {
    let directory = tempfile::tempdir().expect("a directory");
    let below = directory.path().join("file").join("data");
    std::fs::write(directory.path().join("file"), "in the way").expect("writable");
    let error = refused(&config(&below, &[]));
    assert!(matches!(&error, Error::Create(path, _) if *path == below), "{error}");
    let text = Chain(&error).to_string();
    assert!(text.contains(&format!("`{}`", below.display())) && text.contains("\nhint: "), "{text}");
}

#[test]
fn a_count_of_starts_that_is_lost_goes_on_higher_than_it_ever_was() {
    let directory = tempfile::tempdir().expect("a directory");
    assert_eq!([1, 2].map(|_| open(directory.path(), &["a"]).boot()), [1, 2]);
    std::fs::write(directory.path().join("boot"), "garbage").expect("writable");
    let after = open(directory.path(), &["a"]).boot();
    assert!(after > 1_000_000_000, "{after}");
    assert_eq!(open(directory.path(), &["a"]).boot(), after + 1);
}
