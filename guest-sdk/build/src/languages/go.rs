//! Placeholder.

use crate::{Error, Project};
use std::path::Path;

/// Builds the project to a component's bytes. `wit` has its world, `work` is for what is made on the way.
pub(crate) fn build(project: &Project, wit: &Path, work: &Path) -> Result<Vec<u8>, Error> {
    let _ = (project, wit, work);
    unreachable!()
}
