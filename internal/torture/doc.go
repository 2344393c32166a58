// Package torture runs the installed command as what it is for: a bank whose branches and customers are processes of the
// operating system. Torture kills them, cuts the connections between them and starts them again, and then holds what the
// processes said, what their logs say and what the checker says of the logs against each other. Soak lets a bank run at
// full load and watches what grows.
package torture
