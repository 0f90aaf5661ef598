use super::*;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_filters_lines_carry_its_name_and_the_events_id_and_end_at_sixty_four() {
    let filter = bench().load_with("probe", &probe("/a"));
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || ask(&filter, &message("{}"))).0.unwrap();
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 65, "{text}");
    // The probe ends each line with a line feed, which is shown and not obeyed.
    assert!(lines[0].contains("INFO filter: a line\\n filter=\"probe\" about=\"0000000000000007\""), "{}", lines[0]);
    assert!(lines[64].contains("the rest is left out"), "{}", lines[64]);
}
