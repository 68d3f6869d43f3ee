//! Compiles the C++ half, which runs TorchScript models with the operators that they call, and lets the tests of this
//! package find libtorch where the build found it.

use std::env;

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let libtorch = env::var("LIBTORCH").ok();

    // as for the wrapper crate, which takes a libtorch of the system where the variable is not set
    let root = libtorch.as_deref().unwrap_or("/usr");
    let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    println!("cargo:rerun-if-env-changed=LIBTORCH_CXX11_ABI");
    cc::Build::new()
        .cpp(true)
        .file("cpp/unit.cpp")
        .flag(format!("-isystem{root}/include"))
        .flag(format!("-isystem{root}/include/torch/csrc/api/include"))
        .define("_GLIBCXX_USE_CXX11_ABI", &*abi)
        .std("c++17")
        .flag_if_supported("-Wall")
        .flag_if_supported("-Wextra")
        .compile("deepdms-script");
    println!("cargo:rerun-if-changed=cpp");
    if let Some(root) = libtorch {
        // the old kind of entry, which holds for the libraries that libtorch needs in its turn
        println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{root}/lib");
    }
}
