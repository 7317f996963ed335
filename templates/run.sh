{{!--
  run.sh: /etc/reconcile/GROUP.run, the script that becomes the process of a guest. Every init starts this one script,
  so that a process has the same environment everywhere.

  To replace it: templates: { run.sh: my-run.sh }
  Variables: those of every template (README.md beside this file), and
    daemon.name       the group's name
    daemon.command    the command line, on one line
    daemon.env[]      name, value: the environment
    daemon.reloads[]  paths of the files that the process is told to read again when they change
    daemon.revision   what the process is started with: a digest of this script and of the files that mean a restart

  What it must do, also when replaced, because the controller reads it back:
    /run/reconcile/GROUP.pid      the process' id. `exec` keeps it
    /run/reconcile/GROUP.started  daemon.revision
    /run/reconcile/GROUP.loaded   the digest of the files that it has loaded, as below: one `sha256sum` of each file's
                                  content in order, and the sha256sum of those lines
  All three are written before the environment is set: a variable of the user can't change them.
--}}
#!/bin/sh
# Written by reconcile for {{instance}} of {{cluster}}. What is changed here is overwritten.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
cd / || exit 1
mkdir -p /run/reconcile
# A process that was killed alone leaves children behind, which keep its port. A group whose leader is dead is what is
# left of that leader: no new process gets its number as long as the group has members.
old=$(cat /run/reconcile/{{daemon.name}}.pid 2>/dev/null)
[ -z "$old" ] || kill -0 "$old" 2>/dev/null || kill -s KILL -- "-$old" 2>/dev/null
for file in{{#each daemon.reloads}} {{sh this}}{{/each}}; do
  sha256sum < "$file"
done | sha256sum | cut -d ' ' -f 1 > /run/reconcile/{{daemon.name}}.loaded
echo $$ > /run/reconcile/{{daemon.name}}.pid
echo {{sh daemon.revision}} > /run/reconcile/{{daemon.name}}.started
{{#each daemon.env}}
export {{name}}={{sh value}}
{{/each}}
exec {{daemon.command}}
