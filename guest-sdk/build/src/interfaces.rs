//! What a component asks for and offers, by the names that are in it.

use wasmparser::{Encoding, Parser, Payload};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

/// Reads them. What is not a component is told in words. Only the component itself is looked at, not the parts it has
/// within, nor whether the code in it is sound: whoever loads it does.
pub fn interfaces(component: &[u8]) -> Result<Interfaces, String> {
    read(component).map_err(|error| error.message().to_owned())?.ok_or_else(|| "it is a core module".to_owned())
}

/// `None`: it is a core module.
fn read(component: &[u8]) -> wasmparser::Result<Option<Interfaces>> {
    let (mut found, mut depth) = (Interfaces::default(), 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Ok(None),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    found.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    found.exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_names_what_it_imports_and_exports_and_nothing_else_is_one() {
        let component = r#"(component
            (import "postern:filter/log@0.1.0" (instance))
            (component (import "inner" (instance)) (core module (func (export "f"))))
            (core module (func (export "f")))
            (instance $i) (export "postern:filter/message-handler@0.1.0" (instance $i)))"#;
        let component = wat::parse_str(component).unwrap();
        let found = interfaces(&component).unwrap();
        assert_eq!(found.imports, ["postern:filter/log@0.1.0"]);
        assert_eq!(found.exports, ["postern:filter/message-handler@0.1.0"]);
        let module = wat::parse_str("(module)").unwrap();
        assert_eq!(interfaces(&module), Err("it is a core module".to_owned()));
        for wrong in [&component[..component.len() - 1], b"", b"\x7fELF", b"\0asm\x0d\0\x01\0garbage"] {
            assert!(interfaces(wrong).is_err(), "{wrong:?}");
        }
    }
}
