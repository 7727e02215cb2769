# What `cmake --install` puts under a prefix, by component:
#   programs  bin/: the programs that were built
#   client    the C++ client library: a project finds it with find_package(polyscene) and links polyscene::client
#   share     share/polyscene/: model files, and the protos for clients in other languages
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# ---- programs ---------------------------------------------------------------------------------------------------------
foreach(program polyscene polyscene-server polyscene-train)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME COMPONENT programs)
  endif()
endforeach()

# ---- client -----------------------------------------------------------------------------------------------------------
# polyscene_export(TARGET EXPORT_NAME): is polyscene::EXPORT_NAME to those who find the package, lib/libpolyscene_EXPORT_NAME.a.
function(polyscene_export target name)
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} OUTPUT_NAME polyscene_${name})
  target_compile_features(${target} INTERFACE cxx_std_17)
  install(TARGETS ${target} EXPORT polyscene-targets
    ARCHIVE COMPONENT client INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endfunction()
polyscene_export(client_lib client)
polyscene_export(model_data data)
polyscene_export(proto_service service_protos)
polyscene_export(proto_config config_protos)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/polyscene)
install(EXPORT polyscene-targets NAMESPACE polyscene:: DESTINATION ${package_dir} COMPONENT client)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/polyscene-config.cmake.in
  ${CMAKE_BINARY_DIR}/package/polyscene-config.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may break its callers.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/polyscene-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/package/polyscene-config.cmake ${CMAKE_BINARY_DIR}/package/polyscene-config-version.cmake
  DESTINATION ${package_dir} COMPONENT client)

# Headers. In here includes start at the repository's root, out there at include/polyscene/.
install(DIRECTORY ${CMAKE_BINARY_DIR}/proto/polyscene/v1 DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/polyscene COMPONENT client
  FILES_MATCHING PATTERN "*.pb.h" PATTERN "server.pb.h" EXCLUDE PATTERN "record.pb.h" EXCLUDE)
configure_file(${CMAKE_CURRENT_LIST_DIR}/install-headers.cmake.in ${CMAKE_BINARY_DIR}/package/install-headers.cmake @ONLY)
install(SCRIPT ${CMAKE_BINARY_DIR}/package/install-headers.cmake COMPONENT client)

# ---- share ------------------------------------------------------------------------------------------------------------
install(DIRECTORY ${CMAKE_SOURCE_DIR}/deploy/models DESTINATION ${CMAKE_INSTALL_DATADIR}/polyscene COMPONENT share
  FILES_MATCHING PATTERN "*.textproto")
install(DIRECTORY ${CMAKE_SOURCE_DIR}/proto/polyscene DESTINATION ${CMAKE_INSTALL_DATADIR}/polyscene/proto COMPONENT share
  FILES_MATCHING PATTERN "*.proto" PATTERN "record.proto" EXCLUDE)
