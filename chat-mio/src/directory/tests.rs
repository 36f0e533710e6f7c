use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn root() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A process that is being started holds a copy of every lock for a moment: tests that start one
/// and tests that take a lock twice exclude each other.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn an_identity_stays_the_same_and_belongs_to_its_owner() {
    let _alone = alone();
    let root = root();
    let directory = Directory::client(root.path(), &name("Zoë")).unwrap();
    let key = directory.identity().unwrap().public_key();
    let path = root.path().join("client/zo%C3%AB/identity");
    assert_eq!(fs::read(&path).unwrap().len(), 32);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    drop(directory);

    let directory = Directory::client(root.path(), &name("ZOË")).unwrap();
    assert_eq!(directory.identity().unwrap().public_key(), key);
    let other = Directory::client(root.path(), &name("zoe")).unwrap();
    assert_ne!(other.identity().unwrap().public_key(), key);
}

#[test]
fn an_identity_that_others_can_read_is_refused() {
    let root = root();
    let directory = Directory::server(root.path(), 5_000).unwrap();
    directory.identity().unwrap();
    let path = root.path().join("server/5000/identity");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = directory.identity().err().unwrap();
    assert!(matches!(error, DirectoryError::Exposed { mode: 0o644, .. }));
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn an_identity_of_another_length_is_damaged_and_not_replaced() {
    let root = root();
    let directory = Directory::server(root.path(), 5_000).unwrap();
    let path = root.path().join("server/5000/identity");
    fs::write(&path, "short").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let error = directory.identity().err().unwrap();
    assert!(matches!(error, DirectoryError::Corrupt { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), b"short");
}

#[test]
fn an_interrupted_first_start_leaves_nothing_in_the_way() {
    let root = root();
    let directory = Directory::server(root.path(), 5_000).unwrap();
    fs::write(root.path().join("server/5000/identity.new"), "half").unwrap();
    directory.identity().unwrap();
}

#[test]
fn stores_of_different_servers_are_apart() {
    let root = root();
    let directory = Directory::client(root.path(), &name("x")).unwrap();
    let stores = directory.client_stores();
    let one = stores.of(PublicKey([1; 32])).unwrap();
    assert_ne!(one, stores.of(PublicKey([2; 32])).unwrap());
    assert!(one.parent().unwrap().is_dir());
}

#[test]
fn a_directory_is_used_once_at_a_time() {
    let _alone = alone();
    let root = root();
    let first = Directory::server(root.path(), 5_000).unwrap();
    let error = Directory::server(root.path(), 5_000).err().unwrap();
    assert!(matches!(error, DirectoryError::InUse { .. }), "{error:?}");
    assert!(Directory::server(root.path(), 5_001).is_ok());
    drop(first);
    assert!(Directory::server(root.path(), 5_000).is_ok());
}

/// A small file system of its own, if this user may mount one.
struct SmallDisk {
    mount: tempfile::TempDir,
}

impl SmallDisk {
    fn mount(options: &str) -> Option<Self> {
        let mount = root();
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(mount.path())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !done {
            eprintln!("NOT TESTED: a small disk needs the right to mount");
        }
        done.then_some(Self { mount })
    }

    fn remount(&self, options: &str) {
        let status = Command::new("mount")
            .args(["-o", options])
            .arg(self.mount.path())
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.mount.path()).status();
    }
}

#[test]
fn a_read_only_disk_is_named() {
    let _alone = alone();
    let Some(disk) = SmallDisk::mount("size=1m") else {
        return;
    };
    let path = disk.mount.path();
    drop(Directory::server(path, 5_000).unwrap());
    disk.remount("remount,ro");
    let errors = [
        Directory::server(path, 5_000).err().unwrap(),
        Directory::server(path, 5_001).err().unwrap(),
    ];
    for error in errors {
        assert!(
            matches!(error, DirectoryError::ReadOnly { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn a_full_disk_is_named_and_what_was_kept_stays() {
    let _alone = alone();
    let Some(disk) = SmallDisk::mount("size=64k") else {
        return;
    };
    let path = disk.mount.path();
    let directory = Directory::client(path, &name("x")).unwrap();
    let key = directory.identity().unwrap().public_key();
    let mut known = directory.known_servers().unwrap();
    known.insert("a:5000", PublicKey([1; 32])).unwrap();

    let mut filler = fs::File::create(path.join("filler")).unwrap();
    while filler.write_all(&[0; 4_096]).is_ok() {}
    let error = known.insert("b:5000", PublicKey([2; 32])).unwrap_err();
    assert!(matches!(error, DirectoryError::Full { .. }), "{error:?}");
    let known = directory.known_servers().unwrap();
    assert_eq!(known.get("a:5000"), Some(PublicKey([1; 32])));
    assert_eq!(directory.identity().unwrap().public_key(), key);
    let now = crate::Clock::new().now();
    let error = crate::SqliteStore::open(&directory.server_store(), now).unwrap_err();
    assert!(matches!(error, DirectoryError::Full { .. }), "{error:?}");
}

#[test]
fn a_directory_without_permission_is_named() {
    let root = root();
    let path = root.path().join("closed");
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::create_dir(path.join("probe")).is_ok() {
        eprintln!("NOT TESTED: permissions do not bind this user");
        return;
    }
    let error = Directory::server(&path, 5_000).err().unwrap();
    assert!(matches!(error, DirectoryError::NotPermitted { .. }));
}
