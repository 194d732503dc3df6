g++ -std=c++20 -O2 -fopenmp-simd -I$1 mb.cpp $1/core/engine/kernels/row_functions.cpp $2 -DKURTOSCOPE_API= -o mb 2>&1 | head
