//! What a component asks for and offers, by the names that are in it.

use wit_component::{DecodedWasm, decode};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interfaces {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

/// Reads them. What is not a component is told in words.
pub fn interfaces(component: &[u8]) -> Result<Interfaces, String> {
    let (resolve, world) = match decode(component) {
        Ok(DecodedWasm::Component(resolve, world)) => (resolve, world),
        Ok(DecodedWasm::WitPackage(..)) => return Err("it is a package of interfaces".to_owned()),
        Err(error) => return Err(format!("{error:#}")),
    };
    let world = &resolve.worlds[world];
    Ok(Interfaces {
        imports: world.imports.keys().map(|key| resolve.name_world_key(key)).collect(),
        exports: world.exports.keys().map(|key| resolve.name_world_key(key)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_names_what_it_imports_and_exports_and_nothing_else_is_one() {
        let component = r#"(component
            (import "postern:filter/log@0.1.0" (instance))
            (instance $i) (export "postern:filter/message-handler@0.1.0" (instance $i)))"#;
        let found = interfaces(&wat::parse_str(component).unwrap()).unwrap();
        assert_eq!(found.imports, ["postern:filter/log@0.1.0"]);
        assert_eq!(found.exports, ["postern:filter/message-handler@0.1.0"]);
        let module = wat::parse_str("(module)").unwrap();
        for wrong in [&module[..], b"", b"\x7fELF", b"\0asm\x0d\0\x01\0garbage"] {
            assert!(interfaces(wrong).is_err(), "{wrong:?}");
        }
    }
}
