// SPDX-License-Identifier: GPL-3.0-or-later
// Holds the tests' precompiled header; see tests/CMakeLists.txt.
