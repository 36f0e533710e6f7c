//! An identity on paper, or in a file under a passphrase.

use std::{
    env,
    io::{self, Read, Write},
    process::ExitCode,
};

use argon2::{Algorithm, Argon2, Params, Version};
use bip39::Mnemonic;
use chat_core::{
    crypto::{Identity, aead},
    name::Name,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{arguments::Options, data, failure::Failure};

/// A passphrase that is not asked for.
const PASSPHRASE: &str = "CHAT_PASSPHRASE";
/// What guessing a passphrase costs (RFC 9106 §4, the second choice): memory in KiB, and passes.
const MEMORY: u32 = 64 << 10;
const PASSES: u32 = 3;
/// A file that asks for more is not opened.
const MAX_MEMORY: u32 = 1 << 20;
const MAX_PASSES: u32 = 100;

/// What is wrong with an identity that is to be taken or given away.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    #[error("{0} has no identity here")]
    Missing(Name),
    #[error("{0} has an identity here already; move it away to take another one")]
    Exists(Name),
    #[error("these are not the 24 words of an identity: {0}")]
    Words(String),
    #[error("this is no exported identity: {0}")]
    Format(String),
    #[error("this is the identity of {0}")]
    OtherName(String),
    #[error("the passphrase is wrong, or the text was changed")]
    Passphrase,
    #[error("the passphrases differ")]
    Differ,
    #[error("nothing is kept with --ephemeral")]
    Ephemeral,
}

/// An identity under a passphrase, as it is written down.
#[derive(Serialize, Deserialize)]
struct Exported {
    /// The version of this format: 1.
    chat_identity: u32,
    name: String,
    /// The parameters of Argon2id (RFC 9106), in hexadecimal where they are bytes.
    salt: String,
    memory_kib: u32,
    passes: u32,
    /// The secret, under ChaCha20-Poly1305 with the name as associated data.
    sealed: String,
}

/// Prints the fingerprint of a user's identity.
///
/// # Errors
/// If there is none, or it cannot be read.
pub(crate) fn show(name: &Name, options: &Options) -> Result<ExitCode, Failure> {
    let key = Identity::from_seed(&*secret(name, options)?).public_key();
    print(&format!("{}\n", key.fingerprint()))
}

/// Prints a user's identity, as words or under a passphrase.
///
/// # Errors
/// If there is none, or it cannot be read.
pub(crate) fn export(name: &Name, words: bool, options: &Options) -> Result<ExitCode, Failure> {
    let secret = secret(name, options)?;
    if words {
        eprintln!(
            "[Whoever has these words is {name}. Write them down, and keep them to yourself.]"
        );
        return print(&in_words(&secret)?);
    }
    let passphrase = new_passphrase()?;
    let salt = chat_mio::seed().map_err(chat_mio::SetupError::from)?;
    let exported = seal(name, &secret, &passphrase, &salt[..16])?;
    print(&format!("{exported}\n"))
}

/// Takes a user's identity from standard input, as words or under a passphrase.
///
/// # Errors
/// If it is none, or the user has one already.
pub(crate) fn import(name: &Name, options: &Options) -> Result<ExitCode, Failure> {
    let data = data::directory(options)?.ok_or(IdentityError::Ephemeral)?;
    let mut text = Zeroizing::new(String::new());
    io::stdin()
        .read_to_string(&mut text)
        .map_err(Failure::Input)?;
    let secret = match text.trim_start().starts_with('{') {
        true => open(name, &text, &passphrase("Passphrase: ")?)?,
        false => from_words(&text)?,
    };
    if chat_mio::read_identity(&data, name)
        .map_err(chat_mio::SetupError::from)?
        .is_some()
    {
        return Err(IdentityError::Exists(name.clone()).into());
    }
    chat_mio::write_identity(&data, name, &secret).map_err(chat_mio::SetupError::from)?;
    let fingerprint = Identity::from_seed(&secret).public_key().fingerprint();
    print(&format!(
        "[{name} is {fingerprint} here from this time on.]\n"
    ))
}

fn secret(name: &Name, options: &Options) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let data = data::directory(options)?.ok_or(IdentityError::Ephemeral)?;
    let secret = chat_mio::read_identity(&data, name).map_err(chat_mio::SetupError::from)?;
    let secret = secret.ok_or_else(|| IdentityError::Missing(name.clone()))?;
    Ok(Zeroizing::new(secret))
}

fn print(text: &str) -> Result<ExitCode, Failure> {
    let written = io::stdout().write_all(text.as_bytes());
    written.map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// The secret as 24 words (BIP-39), six in a line.
fn in_words(secret: &[u8; 32]) -> Result<Zeroizing<String>, IdentityError> {
    let wrong = |error: bip39::Error| IdentityError::Words(error.to_string());
    let words: Vec<_> = Mnemonic::from_entropy(secret)
        .map_err(wrong)?
        .words()
        .collect();
    let lines: Vec<_> = words.chunks(6).map(|words| words.join(" ")).collect();
    Ok(Zeroizing::new(lines.join("\n") + "\n"))
}

fn from_words(text: &str) -> Result<Zeroizing<[u8; 32]>, IdentityError> {
    let wrong = |error: bip39::Error| IdentityError::Words(error.to_string());
    let words: Vec<_> = text.split_whitespace().map(str::to_lowercase).collect();
    let mnemonic = Mnemonic::parse_normalized(&words.join(" ")).map_err(wrong)?;
    let entropy = Zeroizing::new(mnemonic.to_entropy());
    let secret = <[u8; 32]>::try_from(&entropy[..]);
    let secret = secret.map_err(|_| IdentityError::Words(format!("{} words", words.len())))?;
    Ok(Zeroizing::new(secret))
}

fn seal(
    name: &Name,
    secret: &[u8; 32],
    passphrase: &str,
    salt: &[u8],
) -> Result<String, IdentityError> {
    let key = stretched(passphrase, salt, MEMORY, PASSES)?;
    let mut sealed = secret.to_vec();
    aead::seal_in_place(&key, 0, name.folded().as_bytes(), &mut sealed, 0);
    let exported = Exported {
        chat_identity: 1,
        name: name.to_string(),
        salt: hex::encode(salt),
        memory_kib: MEMORY,
        passes: PASSES,
        sealed: hex::encode(&sealed),
    };
    serde_json::to_string(&exported).map_err(|error| IdentityError::Format(error.to_string()))
}

fn open(name: &Name, text: &str, passphrase: &str) -> Result<Zeroizing<[u8; 32]>, IdentityError> {
    let format = |error: &str| IdentityError::Format(error.to_owned());
    let exported: Exported =
        serde_json::from_str(text).map_err(|error| format(&error.to_string()))?;
    if exported.chat_identity != 1 {
        return Err(format("it was written by a later version"));
    }
    if exported.name.parse().as_ref() != Ok(name) {
        let other = chat_core::text::Neutral(&exported.name).to_string();
        return Err(IdentityError::OtherName(other));
    }
    if exported.memory_kib > MAX_MEMORY || exported.passes > MAX_PASSES {
        return Err(format("it asks for too much memory or time"));
    }
    let bytes = |text: &str| hex::decode(text).map_err(|_| format("a value is not hexadecimal"));
    let (salt, mut sealed) = (bytes(&exported.salt)?, bytes(&exported.sealed)?);
    let key = stretched(passphrase, &salt, exported.memory_kib, exported.passes)?;
    let length = aead::open_in_place(&key, 0, name.folded().as_bytes(), &mut sealed)
        .map_err(|_| IdentityError::Passphrase)?;
    let secret = <[u8; 32]>::try_from(&sealed[..length]).map_err(|_| format("it is too short"))?;
    Ok(Zeroizing::new(secret))
}

/// The key that follows from a passphrase (Argon2id, RFC 9106).
fn stretched(
    passphrase: &str,
    salt: &[u8],
    memory: u32,
    passes: u32,
) -> Result<Zeroizing<[u8; 32]>, IdentityError> {
    let format = |error: argon2::Error| IdentityError::Format(error.to_string());
    let parameters = Params::new(memory, passes, 1, Some(32)).map_err(format)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
        .map_err(format)?;
    Ok(key)
}

fn new_passphrase() -> Result<Zeroizing<String>, Failure> {
    let first = passphrase("Passphrase for the exported identity: ")?;
    if env::var_os(PASSPHRASE).is_none() && first != passphrase("The same again: ")? {
        return Err(IdentityError::Differ.into());
    }
    Ok(first)
}

/// The passphrase of the environment, or one that is typed into the terminal unseen.
fn passphrase(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if let Ok(passphrase) = env::var(PASSPHRASE) {
        return Ok(Zeroizing::new(passphrase));
    }
    let typed = rpassword::prompt_password(prompt).map_err(Failure::Terminal)?;
    Ok(Zeroizing::new(typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];

    fn alice() -> Name {
        "alice".parse().unwrap()
    }

    #[test]
    fn words_are_the_identity_however_they_are_spaced() {
        let words = in_words(&SECRET).unwrap();
        assert_eq!(words.split_whitespace().count(), 24);
        let other = words.to_uppercase().replace(' ', "\n  ");
        assert_eq!(*from_words(&other).unwrap(), SECRET);
    }

    #[test]
    fn a_wrong_word_or_too_few_of_them_are_refused() {
        let words = in_words(&SECRET).unwrap();
        let (rest, _) = words.trim().rsplit_once(' ').unwrap();
        for wrong in [
            rest.to_owned(),
            format!("{rest} nonsense"),
            format!("{rest} zoo"),
        ] {
            assert!(from_words(&wrong).is_err(), "{wrong}");
        }
        let twelve = "abandon ".repeat(11) + "about";
        assert!(
            from_words(&twelve)
                .unwrap_err()
                .to_string()
                .contains("12 words")
        );
    }

    #[test]
    fn only_the_passphrase_and_the_name_open_what_was_exported() {
        let exported = seal(&alice(), &SECRET, "correct horse", &[1; 16]).unwrap();
        assert_eq!(*open(&alice(), &exported, "correct horse").unwrap(), SECRET);
        let wrong = open(&alice(), &exported, "battery staple").unwrap_err();
        assert!(matches!(wrong, IdentityError::Passphrase));
        let bob = "bob".parse().unwrap();
        let other = open(&bob, &exported, "correct horse").unwrap_err();
        assert!(matches!(other, IdentityError::OtherName(name) if name == "alice"));
        let renamed = exported.replace("alice", "bob");
        let renamed = open(&bob, &renamed, "correct horse").unwrap_err();
        assert!(matches!(renamed, IdentityError::Passphrase));
    }

    #[test]
    fn what_is_no_exported_identity_is_refused() {
        let exported = seal(&alice(), &SECRET, "x", &[1; 16]).unwrap();
        for wrong in [
            "{}".to_owned(),
            exported.replace("\"passes\":3", "\"passes\":3000"),
            exported.replace("\"chat_identity\":1", "\"chat_identity\":2"),
            exported.replace("\"salt\":\"", "\"salt\":\"xy"),
        ] {
            let error = open(&alice(), &wrong, "x").unwrap_err();
            assert!(matches!(error, IdentityError::Format(_)), "{error}");
        }
    }
}
