//! Where everything is kept.

use std::path::PathBuf;

use etcetera::BaseStrategy;

use crate::{arguments::Options, failure::Failure};

/// The root of what is kept on disk, none if nothing is to be kept.
///
/// # Errors
/// If no directory is given and the system has no place for the user's data.
pub(crate) fn directory(options: &Options) -> Result<Option<PathBuf>, Failure> {
    if options.ephemeral {
        return Ok(None);
    }
    if let Some(directory) = &options.data {
        return Ok(Some(directory.clone()));
    }
    let strategy = etcetera::choose_base_strategy().map_err(|_| Failure::NoDataDirectory)?;
    Ok(Some(strategy.data_dir().join("chat")))
}
