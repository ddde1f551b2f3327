//! The way in which passwords are hashed.

use std::cell::RefCell;

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        self, CustomizedPasswordHasher, Error, PasswordVerifier,
        phc::{Output, ParamsString, PasswordHash, Salt},
        try_generate_salt,
    },
};

use super::{HashingError, PasswordHashing};

thread_local! {
    /// What the thread's last hash was computed in, for its next one. An allocator that is given
    /// 19 MiB back keeps some such pieces for each of several arenas, which adds up to hundreds.
    static MEMORY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// argon2id with 19 MiB, two passes and one lane: the floor of the OWASP Password Storage Cheat
/// Sheet. A thread keeps these 19 MiB once it has hashed: give it few threads.
#[derive(Clone, Debug)]
pub struct Argon2id(Params);

/// 32 zero bytes as a digest: no password is known to hash to it.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$YXNobGFyLWRlY295LXNhbHQ$\
                     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Default for Argon2id {
    fn default() -> Self {
        Self(Params::new(19_456, 2, 1, None).unwrap_or(Params::DEFAULT))
    }
}

impl PasswordHashing for Argon2id {
    fn hash(&self, password: &str) -> Result<String, HashingError> {
        let hash = try_generate_salt().map_err(Error::from).and_then(|salt| {
            self.hash_password_with_params(password.as_bytes(), &salt, self.0.clone())
        });
        hash.map(|hash| hash.to_string()).map_err(|error| HashingError(error.into()))
    }

    fn matches(&self, password: &str, hash: &str) -> Result<bool, HashingError> {
        let checked = PasswordHash::new(hash)
            .map_err(Error::from)
            .and_then(|hash| self.verify_password(password.as_bytes(), &hash));
        match checked {
            Ok(()) => Ok(true),
            Err(Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(HashingError(error.into())),
        }
    }

    fn decoy(&self) -> &str {
        DECOY
    }
}

/// As the library's own, but for where the memory comes from.
impl CustomizedPasswordHasher<PasswordHash> for Argon2id {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> password_hash::Result<PasswordHash> {
        let algorithm = algorithm.map_or(Ok(Algorithm::Argon2id), Algorithm::try_from)?;
        let version = version.map_or(Ok(Version::V0x13), Version::try_from)?;
        let salt = Salt::new(salt)?;
        let mut output = [0; Output::MAX_LENGTH];
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let output = output.get_mut(..length).ok_or(Error::OutputSize)?;
        let argon2 = Argon2::new(algorithm, version, params);
        MEMORY.with_borrow_mut(|memory| {
            memory.resize(argon2.params().block_count(), Block::default());
            argon2.hash_password_into_with_memory(password, &salt, output, memory)
        })?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(argon2.params())?,
            salt: Some(salt),
            hash: Some(Output::new(output)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordHasher;

    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let argon2 = Argon2id::default();
        let hash = argon2.hash("correct horse").expect("hashes");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, argon2.hash("correct horse").expect("hashes"), "the salt is random");
        assert!(argon2.matches("correct horse", &hash).expect("checks"));
        assert!(!argon2.matches("correct house", &hash).expect("checks"));
    }

    #[test]
    fn the_decoy_is_checked_like_any_hash_and_never_matches() {
        let argon2 = Argon2id::default();
        assert!(!argon2.matches("", argon2.decoy()).expect("the decoy can be checked"));
        let hash = argon2.hash("anything").expect("hashes");
        let cost = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(cost(argon2.decoy()), cost(&hash), "the same parameters");
        assert_eq!(
            argon2.decoy().rsplit('$').next().map(str::len),
            hash.rsplit('$').next().map(str::len)
        );
    }

    #[test]
    fn the_library_and_this_agree() {
        let argon2 = Argon2id::default();
        let theirs = Argon2::new(Algorithm::Argon2id, Version::V0x13, argon2.0.clone());
        let ours = argon2.hash("correct horse").expect("hashes");
        theirs.verify_password(b"correct horse", &*ours).expect("they take ours");
        // The memory is used again for one that needs less, and for one that needs more.
        for (memory, passes) in [(64, 1), (40_000, 3), (19_456, 2)] {
            let params = Params::new(memory, passes, 1, None).expect("parameters");
            let theirs = Argon2::from(params).hash_password(b"correct horse").expect("hashes");
            assert!(argon2.matches("correct horse", &theirs.to_string()).expect("checks"));
            assert!(!argon2.matches("correct house", &theirs.to_string()).expect("checks"));
        }
    }

    #[test]
    fn what_is_no_hash_is_an_error() {
        for text in ["", "correct horse", "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHQ$AAAA"] {
            assert!(Argon2id::default().matches("correct horse", text).is_err(), "{text}");
        }
    }
}
