// SPDX-License-Identifier: GPL-3.0-or-later
// How the CUDA library asks cuBLASLt for its products, against a stand-in for it.
#include <QtTest>

#include "core/cuda/product_cuda.cpp"
#include "tests/support/fake_cublas.h"

#include <random>
#include <vector>

using namespace kurtoscope;

namespace {

// Aligned as memory of a GPU is, plus an offset in numbers.
template <class Number>
class Matrix {
public:
    Matrix(std::int64_t rows, std::int64_t stride, std::int64_t offset = 0)
        : stride_(stride), bytes_(std::size_t(rows * stride + offset) * sizeof(Number) + 256) {
        const auto address = reinterpret_cast<std::uintptr_t>(bytes_.data());
        data_ = reinterpret_cast<Number*>((address + 255) / 256 * 256) + offset;
    }
    Number* data() { return data_; }
    Number& at(std::int64_t row, std::int64_t column) { return data_[row * stride_ + column]; }

private:
    std::int64_t stride_;
    std::vector<char> bytes_;
    Number* data_;
};

template <class Number, class Sum>
const char* multiplied(std::int64_t rows, std::int64_t outputs, std::int64_t inputs, std::int64_t stride,
                       std::int64_t offset, int numbers, bool& right) {
    std::mt19937 random(unsigned(rows + outputs));
    Matrix<Number> x(rows, stride, offset), weight(outputs, stride, offset);
    Matrix<Sum> out(rows, outputs + 16);
    const auto fill = [&](Matrix<Number>& matrix, std::int64_t count) {
        for (std::int64_t row = 0; row < count; ++row)
            for (std::int64_t i = 0; i < inputs; ++i)
                matrix.at(row, i) = Number(int(random() % 255) - 127);
    };
    fill(x, rows), fill(weight, outputs);
    KurtoscopeCudaProduct work{
        x.data(), weight.data(), out.data(), rows,    outputs, inputs, stride,
        stride,   outputs + 16,  numbers,    nullptr, 1024,    0,      reinterpret_cast<void*>(0x77)};
    const char* reason = kurtoscopeCudaProduct(&work);
    right = true;
    for (std::int64_t row = 0; row < rows && !reason; ++row)
        for (std::int64_t output = 0; output < outputs; ++output) {
            Sum sum = 0;
            for (std::int64_t i = 0; i < inputs; ++i)
                sum += Sum(x.at(row, i)) * Sum(weight.at(output, i));
            right &= out.at(row, output) == sum;
        }
    return reason;
}

} // namespace

class CudaProductTest : public QObject {
    Q_OBJECT

private slots:
    void rowsTimesOutputs() {
        bool right = false;
        QVERIFY(!(multiplied<std::int8_t, std::int32_t>(32, 48, 64, 80, 0, kurtoscopeInt8, right)));
        QVERIFY(right);
        QCOMPARE(fake::lastStream, reinterpret_cast<cudaStream_t>(0x77));
        QCOMPARE(fake::preferred[CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES], std::uint64_t(1024));
        QVERIFY(!(multiplied<_Float16, float>(16, 32, 8, 8, 0, kurtoscopeHalf, right)));
        QVERIFY(right);
    }

    // A part of wider rows, whose beginning is aligned less than a whole matrix.
    void partsOfRows() {
        bool right = false;
        QVERIFY(!(multiplied<std::int8_t, std::int32_t>(32, 48, 32, 80, 16, kurtoscopeInt8, right)));
        QVERIFY(right);
        QCOMPARE(fake::preferred[CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], std::uint64_t(16));
    }

    void aShapeIsAskedForOnce() {
        bool right = false;
        multiplied<std::int8_t, std::int32_t>(64, 16, 32, 32, 0, kurtoscopeInt8, right);
        const int asked = fake::heuristics, held = fake::objects;
        for (int i = 0; i < 3; ++i)
            QVERIFY(!(multiplied<std::int8_t, std::int32_t>(64, 16, 32, 32, 0, kurtoscopeInt8, right)));
        QCOMPARE(fake::heuristics, asked);
        QCOMPARE(fake::objects, held);
    }

    void whatIsRefusedComesBackWithItsReason() {
        bool right = false;
        const int held = fake::objects;
        QCOMPARE((multiplied<std::int8_t, std::int32_t>(32, 16, 30, 32, 0, kurtoscopeInt8, right)),
                 "CUBLAS_STATUS_NOT_SUPPORTED");
        QCOMPARE((multiplied<std::int8_t, std::int32_t>(32, 16, 40, 32, 0, kurtoscopeInt8, right)),
                 "another failure");
        QCOMPARE(fake::objects, held); // nothing of it is left
    }
};

QTEST_APPLESS_MAIN(CudaProductTest)
#include "test_cuda_product.moc"
