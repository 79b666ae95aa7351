// Streams at a site of rng.py, of some models one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "streams.hpp"

namespace activa {

class SiteStreams {
 public:
  // Of the models whose counter words begin here, `each` streams by rising number: `Streams.at`.
  Streams at(uint64_t key, const uint64_t* word1, const uint64_t* word2, int64_t models,
             uint32_t site, int64_t each) {
    for (auto& words : words_) words.clear();
    for (int64_t m = 0; m < models; ++m)
      for (int64_t number = 0; number < each; ++number) {
        words_[0].push_back(word1[m] | site);
        words_[1].push_back(word2[m]);
        words_[2].push_back(uint64_t(number));
      }
    return {key, models * each, words_[0].data(), words_[1].data(), words_[2].data()};
  }

 private:
  std::vector<uint64_t> words_[3];
};

}  // namespace activa
