//! Lets the tests of this package find libtorch where the build found it.

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    if let Ok(root) = std::env::var("LIBTORCH") {
        // the old kind of entry, which holds for the libraries that libtorch needs in its turn
        println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{root}/lib");
    }
}
