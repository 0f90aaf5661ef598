//! What a component is made of, whether or not it could be a filter; and what it takes to start one.

use super::call::{Cost, START};
use super::failure::Failure;
use super::load;
use super::problem::{self, Problem};
use super::state::Subject;
use super::{Filter, Host};
use wasmparser::{Instance, Parser, Payload};
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;

/// What the outside of a component says of it, and how many parts it has.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    pub imports: Vec<Interface>,
    pub exports: Vec<Interface>,
    pub modules: u32,
    pub core_instances: u32,
    pub memories: u32,
    pub tables: u32,
    /// Bytes of the largest memory, before anything ran.
    pub memory: u64,
}

/// Functions under one name. Of what is no interface there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    pub name: String,
    pub functions: Vec<String>,
}

impl Host {
    /// Looks at a component. Blocks for as long as compiling it takes.
    pub fn inspect(&self, sha256: &str, bytes: &[u8]) -> Result<Inspection, Problem> {
        problem::check_kind(bytes)?;
        let component = load::compile(&self.0, sha256, bytes)?;
        let (engine, of_type) = (&self.0.engine, component.component_type());
        let required = component.resources_required();
        let count = |count: fn(&wasmtime::ResourcesRequired) -> u32| required.as_ref().map_or(0, count);
        let (modules, core_instances) = parts(bytes);
        let initial = required.as_ref().and_then(|required| required.max_initial_memory_size).unwrap_or(0);
        Ok(Inspection {
            imports: of_type.imports(engine).map(|(name, item)| interface(name, &item.ty, engine)).collect(),
            exports: of_type.exports(engine).map(|(name, item)| interface(name, &item.ty, engine)).collect(),
            modules,
            core_instances,
            memories: count(|required| required.num_memories),
            tables: count(|required| required.num_tables),
            memory: initial.saturating_mul(load::PAGE),
        })
    }
}

impl Filter {
    /// Makes an instance, configures it if it has a way to be, and asks nothing of it.
    pub fn start(&self) -> (Result<(), Failure>, Cost) {
        let callee = &self.0.current().callee;
        let (started, cost) = callee.enter_fresh(START, Subject::default(), |_, _| Ok(Ok(())));
        (started.map(|((), _)| ()), cost)
    }
}

fn interface(name: &str, item: &ComponentItem, engine: &Engine) -> Interface {
    let functions = match item {
        ComponentItem::ComponentInstance(instance) => {
            let exports = instance.exports(engine);
            let functions = exports.filter(|(_, export)| matches!(export.ty, ComponentItem::ComponentFunc(_)));
            functions.map(|(name, _)| name.to_owned()).collect()
        }
        _ => vec![],
    };
    Interface { name: name.to_owned(), functions }
}

/// Core modules, and instances of such, as they are written. The bytes were compiled, and so are right.
fn parts(bytes: &[u8]) -> (u32, u32) {
    let (mut modules, mut instances) = (0, 0);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::ModuleSection { .. }) => modules += 1,
            Ok(Payload::InstanceSection(section)) => {
                let made = section.into_iter().filter(|made| matches!(made, Ok(Instance::Instantiate { .. })));
                instances += u32::try_from(made.count()).unwrap_or(u32::MAX);
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    (modules, instances)
}
