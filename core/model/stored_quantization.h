// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/export.h"
#include "core/base/registry.h"
#include "core/model/config_json.h"
#include "core/model/tensor_file.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kurtoscope {

// How a checkpoint says that the input of a linear layer is rounded at run time.
struct StoredActivation {
    enum class Numbers : unsigned char { integer, e4m3, nvfp4 } numbers = Numbers::integer;
    enum class Sharing : unsigned char { tensor, token, group } sharing = Sharing::tensor;
    int bits = 8, group = 0;
    bool symmetric = true, dynamic = false;
    // Static: value = (q − zero) · scale, q from −2^(bits−1) on. Of e4m3 the scale, of nvfp4 the tensor's
    // own.
    float scale = 1, zero = 0;
    std::vector<int> kept; // channels that stay in floating point, ascending

    bool operator==(const StoredActivation&) const = default;
};

// What a checkpoint that was quantized by other software, or exported, says of itself.
struct StoredQuantization {
    std::string method;  // quant_method: "compressed-tensors"
    std::string summary; // "int8 weights per channel, int8 activations per token, dynamic"
    std::map<std::string, StoredActivation>
        inputs; // by linear layer's name; those that are not rounded left out
    std::map<std::string, StoredActivation>
        outputs; // keys and values as the cache holds them, by the linear layer that makes them
    std::string
        recipe; // the nearest in this program's words: a recipe's text or JSON; "" where there is none
    std::vector<std::string> warnings;
};

// A file's tensors, some of them replaced by others that are made from several.
class DecodedTensors : public TensorFile {
public:
    DecodedTensors(std::shared_ptr<const TensorFile> file, std::vector<StoredTensor> tensors);
    const std::vector<StoredTensor>& tensors() const override { return tensors_; }
    std::int64_t fileBytes() const override { return file_->fileBytes(); }

private:
    std::shared_ptr<const TensorFile> file_;
    std::vector<StoredTensor> tensors_;
};

struct OpenedCheckpoint {
    std::shared_ptr<const TensorFile> file; // weights under their own names, to be read as floats
    StoredQuantization stored;
};

// Reads one kind of quantized checkpoint: answers to config.json's quantization_config.quant_method. One file
// each in checkpoints/, registered on its last line.
class CheckpointReader {
public:
    virtual ~CheckpointReader() = default;
    virtual std::string_view id() const = 0; // the quant_method
    // `config` is the quantization_config, `folder` where its files lie. Reads headers, no weights. Throws
    // Error naming the key or tensor that is wrong or not supported.
    virtual OpenedCheckpoint open(const ConfigJson& config, std::shared_ptr<const TensorFile> file,
                                  const std::filesystem::path& folder) const = 0;
};

template <>
KURTOSCOPE_API Registry<CheckpointReader>& Registry<CheckpointReader>::instance();

} // namespace kurtoscope
