// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the CUDA library knows through LibTorch's CUDA half, which core itself does not link. Where an entry
// gives no reason, CUDA's failures come as LibTorch's exceptions: both sides share one LibTorch.

// The stream that LibTorch works in on a device, which becomes the current one.
extern "C" void* kurtoscopeCudaStream(int device);
extern "C" const char* kurtoscopeCudaName(int device); // "NVIDIA H200"
// 10 × major + minor: 80 for an A100, 89 for Ada, 90 for Hopper.
extern "C" int kurtoscopeCudaCapability(int device);

// What LibTorch's scaled-dot-product attention picks for float32 heads: 0 plain operators, 1 flash, 2
// memory-efficient, 3 cuDNN's.
extern "C" int kurtoscopeCudaAttention(int device, int heads, int length, int size, int causal);

// Runs `run(data)` twice to warm up and once to record it as a CUDA graph; what it allocates while recorded
// belongs to the graph. Null and a handle on success, else the reason.
extern "C" const char* kurtoscopeCudaCapture(int device, void (*run)(void* data), void* data, void** graph);
extern "C" const char* kurtoscopeCudaReplay(void* graph); // in LibTorch's stream; returns when it is queued
extern "C" void kurtoscopeCudaForget(void* graph);
