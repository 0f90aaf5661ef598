use super::*;
use rustls_pki_types::pem::PemObject;

fn read(files: &Development) -> [String; 3] {
    [&files.ca, &files.certificate, &files.key].map(|path| fs::read_to_string(path).unwrap())
}

#[test]
fn it_is_made_once_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("a/tls");
    let files = ensure(&inside).unwrap();
    let made = read(&files);
    assert_eq!(ensure(&inside).unwrap(), files);
    assert_eq!(read(&files), made);
    assert_eq!(fs::read_dir(&inside).unwrap().count(), 4, "nothing unfinished is left");
}

#[cfg(unix)]
#[test]
fn the_keys_are_closed_to_other_users() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("tls");
    let files = ensure(&inside).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&inside), mode(&files.key), mode(&inside.join("ca-key.pem"))), (0o700, 0o600, 0o600));
}

#[test]
fn a_missing_or_broken_leaf_is_made_anew_under_the_same_authority() {
    let directory = tempfile::tempdir().unwrap();
    let files = ensure(directory.path()).unwrap();
    let [ca, certificate, key] = read(&files);
    for break_it in [
        |files: &Development| fs::remove_file(&files.certificate).unwrap(),
        |files: &Development| fs::write(&files.key, "broken").unwrap(),
        |files: &Development| fs::write(&files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap(),
    ] {
        break_it(&files);
        ensure(directory.path()).unwrap();
        let [same_ca, new_certificate, new_key] = read(&files);
        assert_eq!(same_ca, ca);
        assert_ne!((new_certificate, new_key), (certificate.clone(), key.clone()));
    }
}

#[test]
fn a_leaf_that_ends_within_thirty_days_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let files = ensure(directory.path()).unwrap();
    let authority = read_authority(&files.ca, &directory.path().join("ca-key.pem")).unwrap();
    for (days, kept) in [(29, false), (31, true)] {
        sign_leaf(&files, &authority, DAY * days).unwrap();
        let before = read(&files);
        ensure(directory.path()).unwrap();
        assert_eq!(read(&files) == before, kept, "{days} days");
        assert_eq!(read(&files)[0], before[0], "the authority stays");
    }
}

#[test]
fn an_authority_without_its_key_or_of_another_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let files = ensure(directory.path()).unwrap();
    let key = directory.path().join("ca-key.pem");
    for text in [String::new(), KeyPair::generate().unwrap().serialize_pem()] {
        let before = read(&files);
        fs::write(&key, text).unwrap();
        ensure(directory.path()).unwrap();
        assert_eq!(read(&files), before, "what is good is used while it is");
        fs::remove_file(&files.certificate).unwrap();
        ensure(directory.path()).unwrap();
        assert_ne!(read(&files)[0], before[0]);
    }
}

#[test]
fn the_authority_may_vouch_for_this_machine_only() {
    let directory = tempfile::tempdir().unwrap();
    let files = ensure(directory.path()).unwrap();
    let authority = read_authority(&files.ca, &directory.path().join("ca-key.pem")).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.ca).unwrap()).unwrap();
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()))
        .build()
        .unwrap();
    for (name, trusted) in [("localhost", true), ("127.0.0.1", true), ("example.com", false), ("192.0.2.1", false)] {
        let leaf = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let server = ServerName::try_from(name).unwrap();
        let outcome = verifier.verify_server_cert(leaf.der(), &[], &server, &[], UnixTime::now());
        assert_eq!(outcome.is_ok(), trusted, "{name}: {outcome:?}");
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = ensure(&file.join("tls")).unwrap_err();
    assert!(error.to_string().contains("file/tls`: ") && error.to_string().contains("\nhint: "), "{error}");
}
