//! Seeds from the system's generator.

/// The system has no random bytes to give.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

/// Thirty-two bytes that nobody can guess.
///
/// # Errors
/// If the system's generator fails.
pub fn seed() -> Result<[u8; 32], NoRandomness> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}
