//! The dynamic loader.

use std::ffi::{CStr, CString, c_void};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

/// Who else finds the symbols of a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nobody but who asks for one by name.
    Local,
    /// All libraries that are loaded later.
    Global,
}

/// Loads a library for good, with all that it needs.
///
/// # Errors
/// What the loader says.
pub fn open(path: &Path, scope: Scope) -> Result<NonNull<c_void>, String> {
    let name =
        CString::new(path.as_os_str().as_encoded_bytes()).map_err(|error| error.to_string())?;
    let scope = match scope {
        Scope::Local => libc::RTLD_LOCAL,
        Scope::Global => libc::RTLD_GLOBAL,
    };
    // SAFETY: a valid C string and flags; the library stays loaded, whatever its initialisers leave behind
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | scope) };
    NonNull::new(handle).ok_or_else(|| {
        // SAFETY: dlerror returns null or a string that lives until the next call of its kind in this thread
        unsafe { text(libc::dlerror()) }.unwrap_or_else(|| "unknown cause".to_owned())
    })
}

/// The address of a symbol in a library that [`open`] loaded.
pub fn symbol(library: NonNull<c_void>, name: &CStr) -> Option<NonNull<c_void>> {
    // SAFETY: the handle is valid, for it is never closed, and the name is a C string
    NonNull::new(unsafe { libc::dlsym(library.as_ptr(), name.as_ptr()) })
}

/// The address of a symbol in any library that the caller can see.
pub fn visible_symbol(name: &CStr) -> Option<NonNull<c_void>> {
    // SAFETY: a valid C string
    NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) })
}

/// The file, behind symbolic links, that holds what is at an address; to be asked before the working directory changes.
pub fn file_of(address: usize) -> Option<PathBuf> {
    // SAFETY: all-zero is a valid Dl_info
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is valid for writing, and the address is only compared
    if unsafe { libc::dladdr(address as *const c_void, &raw mut info) } == 0 {
        return None;
    }
    // SAFETY: the name is null or lives as long as the library
    let name = unsafe { text(info.dli_fname) }?;
    std::fs::canonicalize(name).ok()
}

/// # Safety
/// `string` is null or a C string.
unsafe fn text(string: *const std::ffi::c_char) -> Option<String> {
    if string.is_null() {
        return None;
    }
    // SAFETY: as promised
    let text = unsafe { CStr::from_ptr(string) };
    Some(text.to_string_lossy().into_owned())
}
