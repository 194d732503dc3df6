// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/export.h"

#include <QString>

class QAbstractItemModel;

namespace kurtoscope {

// A table as it reads, with its headers, for a paper or a page: what has a meaning there is escaped.
KURTOSCOPE_WIDGETS_API QString markdownTable(const QAbstractItemModel& model);
KURTOSCOPE_WIDGETS_API QString latexTable(const QAbstractItemModel& model); // a tabular; needs no package

} // namespace kurtoscope
