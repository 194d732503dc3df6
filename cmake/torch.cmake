# SPDX-License-Identifier: GPL-3.0-or-later
# Imported targets for LibTorch: kurtoscope::torch (torch_cpu and c10) and, when both the toolkit and the CUDA half of
# LibTorch are there, kurtoscope::torch_cuda. Torch's own CMake package is not used: it demands a CUDA toolkit.

set(torch_root "${KURTOSCOPE_TORCH}")
if(NOT torch_root)
    file(GLOB torch_found "${PROJECT_SOURCE_DIR}/build/venv/lib/python3*/site-packages/torch")
    list(GET torch_found 0 torch_root)
endif()
if(NOT EXISTS "${torch_root}/lib/libtorch_cpu.so")
    message(FATAL_ERROR "No LibTorch in '${torch_root}'. Run ./run or ./test, which install it, or give the folder of one "
                        "with -DKURTOSCOPE_TORCH=DIR (the folder that holds include/ and lib/).")
endif()
message(STATUS "LibTorch: ${torch_root}")

# The wheel's libraries find NVIDIA's run-time libraries beside the package; a plain LibTorch brings its own.
get_filename_component(site_packages "${torch_root}" DIRECTORY)
file(GLOB nvidia_lib_dirs "${site_packages}/nvidia/*/lib")
set(torch_rpath "${torch_root}/lib" ${nvidia_lib_dirs})
list(APPEND CMAKE_BUILD_RPATH ${torch_rpath})

function(kurtoscope_import name file)
    add_library(${name} SHARED IMPORTED GLOBAL)
    set_target_properties(${name} PROPERTIES IMPORTED_LOCATION "${torch_root}/lib/${file}" IMPORTED_NO_SONAME TRUE)
endfunction()

kurtoscope_import(kurtoscope_c10 libc10.so)
kurtoscope_import(kurtoscope_torch_cpu libtorch_cpu.so)
add_library(kurtoscope::torch INTERFACE IMPORTED GLOBAL)
target_include_directories(kurtoscope::torch SYSTEM INTERFACE
    "${torch_root}/include" "${torch_root}/include/torch/csrc/api/include")
target_link_libraries(kurtoscope::torch INTERFACE kurtoscope_torch_cpu kurtoscope_c10)
# libtorch_cpu.so itself needs NVIDIA libraries that lie elsewhere; the linker is told where to look.
foreach(dir IN LISTS torch_rpath)
    target_link_options(kurtoscope::torch INTERFACE "LINKER:-rpath-link,${dir}")
endforeach()
