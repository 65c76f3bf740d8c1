#include "supervisor/writer/hash_chain.h"

#include <algorithm>

#include "supervisor/writer/sha256.h"

namespace nightjar {

std::string BigEndian(uint64_t number) {
  std::string bytes(8, '\0');
  for (int i = 7; i >= 0; --i, number >>= 8)
    bytes[static_cast<size_t>(i)] = static_cast<char>(number);
  return bytes;
}

std::string ChainKind::Count(uint64_t count) const {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

// Parts of fixed size, then the content: no two links have the same bytes to hash.
std::string LinkHash(const ChainKind& kind, uint64_t number, std::string_view previous,
                     std::string_view content) {
  return Sha256({kind.label, BigEndian(number), previous, content});
}

ChainWalk::ChainWalk(const ChainKind& kind, const proto::VerifyIncidents& question,
                     const Record& record)
    : kind_(kind), question_(question), record_(record) {
  answer_.set_link(question.after());
  answer_.set_links(record.links);
  hash_ = question.after() == 0 ? HashText(record.start) : question.hash();
}

bool ChainWalk::Take(const ChainLink& link, const std::function<std::string()>& wrong) {
  uint64_t expected = answer_.link() + 1;
  if (link.number > expected)
    return Break(expected, kind_.Count(link.number - expected) + " removed: link " +
                               std::to_string(link.number) + " comes next");
  if (link.number < expected)
    return Break(expected, "link " + std::to_string(link.number) + " stands in its place");
  if (std::string why = WrongWith(link, wrong); !why.empty())
    return Break(link.number, std::move(why));
  answer_.set_link(link.number);
  hash_ = HashText(link.hash);
  return true;
}

std::string ChainWalk::WrongWith(const ChainLink& link,
                                 const std::function<std::string()>& wrong) const {
  if (link.number > record_.links) return "it was inserted behind the end of the chain";
  if (LinkHash(kind_, link.number, link.previous, link.content) != link.hash)
    return "it was changed";
  if (HashText(link.previous) != hash_)
    return std::string("it does not follow the one before it: ") + kind_.many +
           " were removed, inserted or put in another order here";
  if (std::string why = wrong(); !why.empty()) return why;
  if (link.number == question_.head() && HashText(link.hash) != question_.head_hash())
    return "its hash is not the one that was noted: the chain was written anew";
  return "";
}

void ChainWalk::End() {
  answer_.set_whole(true);
  uint64_t links = answer_.link();
  uint64_t told = std::max(record_.links, question_.head());
  if (told > links)
    Break(links + 1,
          kind_.Count(told - links) + " removed from the end: there were " + std::to_string(told));
  else if (hash_ != HashText(record_.head))
    Break(links, "the chain's own record ends in another hash");
}

bool ChainWalk::Break(uint64_t link, std::string why) {
  answer_.set_broken_link(link);
  answer_.set_broken(std::move(why));
  return false;
}

proto::ChainAnswer ChainWalk::Answer() {
  answer_.set_hash(hash_);
  return std::move(answer_);
}

}  // namespace nightjar
