# What Ruby's binding tells of the domains of a connection. It links libvirt-qemu.so.0 and libvirt-lxc.so.0 too.
require 'libvirt'

connection = Libvirt::open(ARGV[0])
puts "#{connection.type} #{connection.version} #{connection.libversion}"
connection.list_all_domains.each do |domain|
  info = domain.info
  puts "#{domain.name} #{domain.uuid} #{domain.state} #{info.memory} #{info.max_mem} #{info.nr_virt_cpu}"

  # Its accessor reads another variable than its constructor sets.
  domain.memory_stats.each { |stat| puts "#{stat.tag}=#{stat.instance_variable_get(:@val)}" }
end
begin
  connection.lookup_domain_by_name('nobody')
rescue Libvirt::RetrieveError => error
  puts "#{error.libvirt_code} #{error.libvirt_component} #{error.libvirt_message}"
end
exit unless connection.type == 'QEMU'
begin
  connection.list_all_domains[0].qemu_monitor_command('{"execute":"stop"}', 0)
rescue Libvirt::RetrieveError => error
  puts "#{error.libvirt_code} #{error.libvirt_message}"
end
