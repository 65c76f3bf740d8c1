# cmake -DINPUT=shipped.toml -DOUTPUT=shipped_text.cc -P embed.cmake: the file as a source of the program.
file(READ ${INPUT} text)
string(CONCAT source
  "#include \"rules/shipped_text.h\"\n\nnamespace nightjar::rules {\n\n"
  "std::string_view ShippedText() {\n  return R\"__toml__(" "${text}" ")__toml__\";\n}\n\n}  // namespace nightjar::rules\n")
file(WRITE ${OUTPUT} "${source}")
